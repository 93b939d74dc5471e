--[[ board/prune: removes threads, or some of their messages, that board/prunable gave.

NEEDS   board/hiding
KEYS    board_removing, board_words, thread_parts, inbox, threads, messages, board_ids
FLAGS   frees
ARGV    5 how long ago they changed at least, for the event  6.. five for each thread: its number, when it last changed, 1 to remove
        it as a whole, numbers of messages and words, both with a space between them
RETURN  {"pruned":…,"again"?:…}; again is the number of the first thread that takes one operation more
KEEPS   a thread that has changed since is left as it is. One that an operation does not remove as a whole is out of sight from
        that operation on, and so never seen without some of its replies; it counts as removed then. Whatever stops the
        operations, the next prune begins with what is left of it, and its opening goes last. ]]
local AT_ONCE, MEMBERS_AT_ONCE = 2000, 500

-- Calls the command with these arguments, some at a time.
local function in_portions(command, key, arguments)
  for first = 1, #arguments, AT_ONCE do
    call(command, key, unpack(arguments, first, math.min(first + AT_ONCE - 1, #arguments)))
  end
end

local function remove_words(thread, words)
  local members = {}
  for word in string.gmatch(words, '[^ ]+') do members[#members + 1] = word .. '\0' .. thread.number end
  in_portions('ZREM', BOARD_WORDS, members)
end

local function remove_message(thread, number)
  local record = call('HGET', MESSAGES, number)
  if not record then return end
  local message = parse_message(number, record)
  local unread = {}
  for name, reason in string.gmatch(message.recipients, '([^ :]+):(%a)') do
    unread[#unread + 1] = name .. '\0n' .. number .. reason
  end
  in_portions('ZREM', INBOX, unread)
  local opens = number == thread.number
  call('HDEL', BOARD_IDS, 'm' .. message.id)
  -- The key may be that of a newer reply: it has been free since the thread was out of sight.
  local key = 'M' .. message.key
  if not opens and message.key ~= '' and call('HGET', BOARD_IDS, key) == number then call('HDEL', BOARD_IDS, key) end
  if not opens then call('ZREM', THREAD_PARTS, thread.number .. 'm' .. number .. message.author) end
  call('HDEL', MESSAGES, number)
end

-- Removes those who wrote in the thread, and where it is unread for them; false when there are more.
local function remove_members(thread)
  local start, stop = thread.number .. 'r', thread.number .. 't'
  local members = call('ZRANGEBYLEX', THREAD_PARTS, '[' .. start, '(' .. stop, 'LIMIT', 0, MEMBERS_AT_ONCE)
  local marks = {}
  for _, member in ipairs(members) do
    local agent, from = string.match(member, 's(%Z+)%z(%d+)$', #thread.number + 1)
    if agent then marks[#marks + 1] = agent .. '\0u' .. from .. thread.number end
  end
  in_portions('ZREM', INBOX, marks)
  in_portions('ZREM', THREAD_PARTS, members)
  return #members < MEMBERS_AT_ONCE
end

local function remove_thread(thread)
  remove_message(thread, thread.number)
  call('ZREM', BOARD_REMOVING, thread.number)
  call('HDEL', THREADS, thread.number)
end

local pruned, statuses, again = 0, {}, ''
for i = 6, #ARGV, 5 do
  local number, updated, whole = ARGV[i], ARGV[i + 1], ARGV[i + 2] == '1'
  local record = call('HGET', THREADS, number)
  local thread = record and parse_thread(number, record)
  if thread and thread.updated == updated then
    remove_words(thread, ARGV[i + 4])
    for message in string.gmatch(ARGV[i + 3], '%d+') do
      if message ~= number then remove_message(thread, message) end
    end
    if thread.status ~= REMOVING then
      pruned = pruned + 1
      statuses[thread.status] = (statuses[thread.status] or 0) + 1
      hide(thread)
    end
    if whole and remove_members(thread) then
      remove_thread(thread)
    elseif whole and again == '' then
      again = ',"again":' .. int(tonumber(number))
    end
  end
end
for _, status in ipairs({ 'active', 'waiting', 'resolved' }) do
  if statuses[status] then
    emit('thread.pruned', status, ACTOR, '{"count":' .. statuses[status] .. ',"olderThanMs":' .. ARGV[5] .. '}')
  end
end
return finish('{"pruned":' .. pruned .. again .. '}', true)
