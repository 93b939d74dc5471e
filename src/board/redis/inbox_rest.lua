--[[ board/inbox_rest: unread messages that an inbox had no room for.

NEEDS   board/messages
ARGV    5.. number and first letter of the reason of each, in turn
RETURN  [message…], as many as one answer may hold ]]
local numbers, reasons = {}, {}
for i = 5, #ARGV, 2 do
  numbers[#numbers + 1] = ARGV[i]
  reasons[ARGV[i]] = ARGV[i + 1]
end
return '[' .. show_messages(numbers, reasons) .. ']'
