--[[ board/show: a thread with its newest replies, oldest first.

NEEDS   engine/shown, board/thread
KEYS    board_ids, thread_parts, messages
RULES   engine/shown: SHOWN_AT_ONCE, SHOWN_AT_A_TIME, SHOWN_BYTES
ARGV    5 thread's id, 6 m id of a message that only older ones are wanted than, or "", 7 limit
RETURN  the thread, with "next": id of the oldest reply shown if the answer had no room for those before it |
        "unknown_reply" | null ]]
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
local numbers = {}
for i, member in ipairs(call('ZREVRANGEBYLEX', THREAD_PARTS, last, '[' .. replies, 'LIMIT', 0, most)) do
  numbers[i] = string.sub(member, #replies + 1, #replies + 12)
end
local shown, left = show_until(numbers, SHOWN_AT_A_TIME, SHOWN_BYTES, function(chunk)
  local texts = call('HMGET', MESSAGES, unpack(chunk))
  for i, record in ipairs(texts) do texts[i] = show_reply(parse_message(chunk[i], record)) end
  return texts
end)
local oldest = left and left - 1 or most < limit and #numbers == most and most
local next_before = oldest and ',"next":"' .. message_at(numbers[oldest]).id .. '"' or ''
local oldest_first = {}
for i = #shown, 1, -1 do oldest_first[#oldest_first + 1] = shown[i] end
return show(thread, ',"replies":[' .. table.concat(oldest_first, ',') .. ']' .. next_before)
