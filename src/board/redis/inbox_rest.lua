--[[ board/inbox_rest: unread messages that an inbox had no room for.

NEEDS   board/messages
RULES   engine/shown: SHOWN_AT_ONCE
ARGV    5.. number and first letter of the reason of each, in turn
RETURN  {"messages":[…],"looked":…}, as many as one answer may hold; of those looked at some may be removed by now ]]
local numbers, reasons = {}, {}
for i = 5, #ARGV, 2 do
  numbers[#numbers + 1] = ARGV[i]
  reasons[ARGV[i]] = ARGV[i + 1]
end
local shown, looked = show_messages(numbers, reasons, SHOWN_AT_ONCE)
return '{"messages":[' .. shown .. '],"looked":' .. looked .. '}'
