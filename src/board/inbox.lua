--[[ board/inbox: the actor's oldest unread messages, in order.

KEYS    inbox_waiters, see board/delivery
ARGV    5 limit, 6 1 to count them as read, 7 bell to ring at the next message when there is none, or ""
RETURN  [message…]
KEEPS   what was counted as read has been given: a call whose answer was lost gives the same again. ]]
local limit, ack, bell = tonumber(ARGV[5]), ARGV[6] == '1', ARGV[7]
local REASONS = { d = 'direct', m = 'mention', r = 'reply', h = 'high_priority' }

local function show_messages(numbers, reasons)
  local found, threads, shown = {}, {}, {}
  for i, record in ipairs(call('HMGET', MESSAGES, unpack(numbers))) do
    found[i] = parse_message(numbers[i], record)
    threads[i] = found[i].thread
  end
  for i, record in ipairs(call('HMGET', THREADS, unpack(threads))) do
    local message, thread = found[i], parse_thread(threads[i], record)
    shown[i] = table.concat({
      '{"id":"',
      message.id,
      '","threadId":"',
      thread.id,
      '","title":',
      thread.title,
      ',"author":"',
      message.author,
      '","message":',
      message.text,
      ',"reason":"',
      REASONS[reasons[message.number]],
      '","priority":"',
      thread.priority,
      '","atMs":',
      message.at,
      '}',
    })
  end
  return '[' .. table.concat(shown, ',') .. ']'
end

local given = given_before()
if given then
  local numbers, reasons = {}, {}
  for number, reason in string.gmatch(given, '(%d+)(%a)') do
    numbers[#numbers + 1] = number_of(number)
    reasons[number_of(number)] = reason
  end
  return finish(show_messages(numbers, reasons))
end

local cursor = find_cursor()
local numbers, reasons = unread(cursor, limit)
if #numbers == 0 then
  if bell ~= '' then
    listen('inbox:' .. ACTOR, bell)
    call('ZREMRANGEBYSCORE', INBOX_WAITERS, '-inf', '(' .. int(now - LISTENER_MS))
    call('ZADD', INBOX_WAITERS, int(now), bell)
  end
  return finish('[]')
end
if ack then
  local giving = {}
  for i, number in ipairs(numbers) do giving[i] = int(tonumber(number)) .. reasons[number] end
  remember(cursor, table.concat(giving))
  acknowledge(cursor, numbers[#numbers])
  save_cursor(cursor)
end
return finish(show_messages(numbers, reasons))
