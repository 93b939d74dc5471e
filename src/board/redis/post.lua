--[[ board/post: opens a thread, unless its id or key is there already.

NEEDS   board/delivery, board/filing
KEYS    board_ids
ARGV    5 to 9 of the message that opens it, see board/delivery, 10 id, 11 idempotency key or "",
        12 title (JSON), 13 priority, 14 tags (JSON)
RETURN  the thread
KEEPS   a thread that is posted twice is opened once. ]]
local id, key, title, priority, tags = unpack(ARGV, 10, 14)

local known = call('HGET', BOARD_IDS, 't' .. id)
if known and is_retry then
  -- What the first try answered, whatever came of it since.
  local thread = thread_at(known)
  thread.status, thread.replies, thread.updated = 'active', '0', thread.created
  return finish(show(thread))
end
known = known or key ~= '' and call('HGET', BOARD_IDS, 'T' .. key)
if known then return finish(show(thread_at(known))) end

local thread = {
  id = id,
  status = 'active',
  replies = '0',
  updated = int(now),
  priority = priority,
  author = ACTOR,
  created = int(now),
  tags = tags,
  title = title,
}
local opening = append(thread, key)
save_thread(thread)
file(thread)
call('HSET', BOARD_IDS, 't' .. id, thread.number)
if key ~= '' then call('HSET', BOARD_IDS, 'T' .. key, thread.number) end
emit('thread.posted', id, ACTOR, '{"title":' .. title .. ',"priority":"' .. priority .. '"}')
return finish(show_thread(thread, opening))
