--[[ board/show: a thread with its newest replies, oldest first.

NEEDS   board/thread
KEYS    board_ids, thread_parts, messages
RULES   engine/shown: SHOWN_AT_ONCE, SHOWN_BYTES
ARGV    5 thread's id, 6 m id of a message that only older ones are wanted than, or "", 7 limit
RETURN  the thread, with "next": id of the oldest reply shown if the answer had no room for those before it |
        "unknown_reply" | null ]]
local SHOW_CHUNK = 4
local before, limit = ARGV[6], tonumber(ARGV[7])
local most = math.min(limit, SHOWN_AT_ONCE)

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
for i, member in ipairs(call('ZREVRANGEBYLEX', THREAD_PARTS, last, '[' .. replies, 'LIMIT', 0, most)) do
  numbers[i] = string.sub(member, #replies + 1, #replies + 12)
end
local bytes, next_before = 0, ''
for first = 1, #numbers, SHOW_CHUNK do
  if bytes > SHOWN_BYTES then
    next_before = ',"next":"' .. message_at(numbers[first - 1]).id .. '"'
    break
  end
  local chunk = { unpack(numbers, first, math.min(first + SHOW_CHUNK - 1, #numbers)) }
  for i, record in ipairs(call('HMGET', MESSAGES, unpack(chunk))) do
    local text = show_reply(parse_message(chunk[i], record))
    shown[#shown + 1], bytes = text, bytes + #text
  end
end
if next_before == '' and most < limit and #numbers == most then
  next_before = ',"next":"' .. message_at(numbers[most]).id .. '"'
end
local oldest_first = {}
for i = #shown, 1, -1 do oldest_first[#oldest_first + 1] = shown[i] end
return show(thread, ',"replies":[' .. table.concat(oldest_first, ',') .. ']' .. next_before)
