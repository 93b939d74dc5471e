--[[ board/addressed: the oldest unread messages that name an agent, in order, whether anybody knows it or not.

NEEDS   board/messages
KEYS    inbox
RULES   engine/shown: SHOWN_AT_ONCE
ARGV    5 its name  6 limit
RETURN  as board/inbox ]]
local first = ARGV[5] .. '\0n'
local numbers, reasons = {}, {}
for i, member in ipairs(call('ZRANGEBYLEX', INBOX, '[' .. first, '(' .. ARGV[5] .. '\0o', 'LIMIT', 0, ARGV[6])) do
  numbers[i] = string.sub(member, #first + 1, #first + 12)
  reasons[numbers[i]] = string.sub(member, #first + 13)
end
local shown, count = show_messages(numbers, reasons, SHOWN_AT_ONCE)
local rest = {}
for i = count + 1, #numbers do rest[i - count] = '["' .. numbers[i] .. '","' .. reasons[numbers[i]] .. '"]' end
return '{"messages":[' .. shown .. '],"rest":[' .. table.concat(rest, ',') .. ']}'
