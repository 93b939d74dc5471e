--[[ board/ack: counts messages as read by the actor.

NEEDS   board/unread
KEYS    board_ids
FLAGS   frees
ARGV    5 m id of the message to count up to, or "" for every message there is
RETURN  true | false when there is no such message
KEEPS   a call whose answer was lost does not count what came since. ]]
if ARGV[5] ~= '' then
  local number = call('HGET', BOARD_IDS, ARGV[5])
  if not number then return finish('false') end
  local cursor = find_cursor()
  acknowledge(cursor, number)
  save_cursor(cursor)
elseif not replayed_messages() then
  local cursor = find_cursor()
  remember(cursor, '')
  acknowledge(cursor, number_of(messages))
  save_cursor(cursor)
end
return finish('true')
