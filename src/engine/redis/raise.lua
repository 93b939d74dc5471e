--[[ engine/raise: brings the numbers above those of a store that was in this one's place, and makes another memory: calls
that are on their way to the server and expect the one before do nothing any more.

ARGV    5 now_ms, 6 fence, 7 event: what the other store's clock has reached, and its last numbers
RETURN  the memory, as text
KEEPS   nothing gets less ]]
now, last_fence, last_event = math.max(now, ARGV[5]), math.max(last_fence, ARGV[6]), math.max(last_event, ARGV[7])
memory, dirty, CLOCK = next_memory(memory), true, now
return finish(int(memory))
