--[[ board/show: a thread with its newest replies, oldest first.

KEYS    thread_parts, see board/delivery
ARGV    5 thread's id, 6 m id of a message that only older ones are wanted than, or "", 7 limit
RETURN  the thread | "unknown_reply" | null ]]
local before, limit = ARGV[6], ARGV[7]

local thread = find_thread(ARGV[5])
if not thread then return 'null' end
local replies = thread.number .. 'm'
-- 'n' is the letter after 'm': the range holds every reply.
local last = '(' .. thread.number .. 'n'
if before ~= '' then
  local number = call('HGET', BOARD_IDS, before)
  if not number or message_at(number).thread ~= thread.number then return '"unknown_reply"' end
  last = '(' .. replies .. number
end
local numbers, shown = {}, {}
for i, member in ipairs(call('ZREVRANGEBYLEX', THREAD_PARTS, last, '[' .. replies, 'LIMIT', 0, limit)) do
  numbers[i] = string.sub(member, #replies + 1, #replies + 12)
end
if #numbers > 0 then
  for i, record in ipairs(call('HMGET', MESSAGES, unpack(numbers))) do
    shown[#numbers + 1 - i] = show_reply(parse_message(numbers[i], record))
  end
end
return show(thread, ',"replies":[' .. table.concat(shown, ',') .. ']')
