--[[ board/inbox: the actor's oldest unread messages, in order.

NEEDS   board/unread, board/messages
KEYS    inbox_waiters
RULES   engine/shown: SHOWN_AT_ONCE
FLAGS   frees
ARGV    5 limit, 6 1 to count them as read, 7 waker to wake at the next message when there is none, or ""
RETURN  {"messages":[…],"rest":[[number, reason]…],"untidy"?:true}; rest are those that the answer had no room for.
        When messages are counted as read, only those that are shown are. Of an inbox that is untidy nothing is
        shown: the call has removed some of what was read, and has to be made again
KEEPS   what was counted as read has been given: a call whose answer was lost gives the same again. ]]
local limit, ack, waker = tonumber(ARGV[5]), ARGV[6] == '1', ARGV[7]
local given = replayed_messages()
if given then
  local numbers, reasons = {}, {}
  for number, reason in string.gmatch(given, '(%d+)(%a)') do
    numbers[#numbers + 1] = number_of(number)
    reasons[number_of(number)] = reason
  end
  return finish('{"messages":[' .. show_messages(numbers, reasons, limit) .. '],"rest":[]}')
end

local cursor = find_cursor()
if tidy(cursor) then return finish('{"messages":[],"rest":[],"untidy":true}') end
local numbers, reasons = unread(cursor, limit)
if #numbers == 0 then
  if waker ~= '' then
    listen('inbox:' .. ACTOR, waker)
    call('ZREMRANGEBYSCORE', INBOX_WAITERS, '-inf', '(' .. int(now - LISTENER_MS))
    call('ZADD', INBOX_WAITERS, int(now), waker)
  end
  return finish('{"messages":[],"rest":[]}')
end
local shown, count = show_messages(numbers, reasons, ack and limit or SHOWN_AT_ONCE)
if ack then
  local giving = {}
  for i = 1, count do giving[i] = int(tonumber(numbers[i])) .. reasons[numbers[i]] end
  remember(cursor, table.concat(giving))
  acknowledge(cursor, numbers[count])
  save_cursor(cursor)
end
local rest = {}
for i = count + 1, #numbers do rest[i - count] = '["' .. numbers[i] .. '","' .. reasons[numbers[i]] .. '"]' end
return finish('{"messages":[' .. shown .. '],"rest":[' .. table.concat(rest, ',') .. ']}')
