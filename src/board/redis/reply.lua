--[[ board/reply: appends a reply, unless its id or key is there already.

NEEDS   board/delivery, board/filing
KEYS    board_ids
ARGV    5 to 9 of the reply, see board/delivery, 10 thread's id, 11 idempotency key or "",
        12 the thread's status from now on, or ""
RETURN  the thread with this reply | null
KEEPS   a reply that is sent twice is appended once. ]]
local thread_id, key, wanted = ARGV[10], ARGV[11], ARGV[12]

local known = call('HGET', BOARD_IDS, 'm' .. ARGV[5]) or key ~= '' and call('HGET', BOARD_IDS, 'M' .. key)
if known then
  local reply = message_at(known)
  local thread = thread_at(reply.thread)
  if thread.status ~= REMOVING then return finish(show(thread, ',"reply":' .. show_reply(reply))) end
end
local thread = find_thread(thread_id)
if not thread then return finish('null') end

local reply = append(thread, key)
if key ~= '' then call('HSET', BOARD_IDS, 'M' .. key, reply.number) end
emit('thread.replied', thread_id, ACTOR, '{"messageId":"' .. reply.id .. '"}')
local status = wanted
if status == '' then status = thread.status == 'resolved' and 'active' or thread.status end
if status == 'resolved' and thread.status ~= status then emit('thread.resolved', thread_id, ACTOR) end
thread.replies = int(thread.replies + 1)
update(thread, status)
return finish(show(thread, ',"reply":' .. show_reply(reply)))
