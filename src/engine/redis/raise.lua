--[[ engine/raise: brings the numbers above those of a store that was in this one's place, and makes another memory: calls
that are on their way to the server and expect the one before do nothing any more.

KEYS    conflicts
ARGV    5 now_ms, 6 fence, 7 event: what the other store's clock has reached, and its last numbers
        8 1 if records begin to be moved here, "" if they are moved again; see engine/conflicts
RETURN  the memory, as text; and " emptied" behind it where the server had lost the one that the caller knew, with all else
KEEPS   nothing gets less ]]
now, last_fence, last_event = math.max(now, ARGV[5]), math.max(last_fence, ARGV[6]), math.max(last_event, ARGV[7])
if ARGV[8] == '1' then call('DEL', CONFLICTS) end
memory, dirty, CLOCK = next_memory(memory), true, now
return finish(int(memory) .. (gap_cause == 'emptied' and ' emptied' or ''))
