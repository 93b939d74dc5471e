--[[ board/unread: what the actor has not read yet; part of inbox and ack.

NEEDS   board/thread, agent/registered
KEYS    inbox_cursors, thread_parts, inbox, board_lists, messages
INBOX_CURSORS  agent -> number of the message it has read up to, an instant, and its last calls that moved
               the cursor, with spaces between: op = what the call gave, numbers and their reasons' letters
KEEPS          the cursor never turns back; it is set to the agent's registration by its first look. What it has
               passed is removed from the inbox a bounded number at a time, and nothing is shown before all of
               that is gone: the first marks are then those of the first unread replies. ]]
local GIVEN_KEPT = 4
local CHUNK = 64
-- How many messages and marks that were read are removed at a time.
local NAMED_AT_ONCE, MARKS_AT_ONCE = 4000, 250
local LAST = string.rep('9', 12)

local function save_cursor(cursor)
  call('HSET', INBOX_CURSORS, ACTOR, cursor.number .. ' ' .. cursor.at .. cursor.given)
end

local function find_cursor()
  local cursor = {}
  local kept = call('HGET', INBOX_CURSORS, ACTOR)
  if kept then
    cursor.number, cursor.at, cursor.given = string.match(kept, '^(%d+) (%d+)(.*)$')
    return cursor
  end
  cursor.number, cursor.given = number_of(0), ''
  cursor.at = int(registered_at(ACTOR) or now)
  save_cursor(cursor)
  return cursor
end

-- What this very call gave before, when its answer was lost; nil when it did nothing.
local function replayed_messages()
  if not is_retry then return end
  for op, given in string.gmatch(find_cursor().given, ' ([^ =]+)=([^ ]*)') do
    if op == OP then return given end
  end
end

local function remember(cursor, given)
  local kept, count = ' ' .. OP .. '=' .. given, 1
  for older in string.gmatch(cursor.given, ' [^ ]+') do
    if count == GIVEN_KEPT then break end
    kept, count = kept .. older, count + 1
  end
  cursor.given = kept
end

-- Others' replies in a thread, from one number to another, both included: the first ones.
local function replies_of_others(thread, from, to, most)
  local found, first = {}, thread .. 'm'
  local start, stop = '[' .. first .. from, '(' .. first .. to .. '\255'
  repeat
    local members = call('ZRANGEBYLEX', THREAD_PARTS, start, stop, 'LIMIT', 0, CHUNK)
    for _, member in ipairs(members) do
      if string.sub(member, #first + 13) ~= ACTOR then
        found[#found + 1] = string.sub(member, #first + 1, #first + 12)
        if #found == most then return found end
      end
    end
    if #members > 0 then start = '(' .. members[#members] end
  until #members < CHUNK
  return found
end

-- Others' messages in the threads where something is unread: the first ones of all.
local function unread_replies(most)
  local first = ACTOR .. '\0u'
  local found, stop = {}, LAST
  local members = call('ZRANGEBYLEX', INBOX, '[' .. first, '(' .. ACTOR .. '\0v', 'LIMIT', 0, most)
  for _, member in ipairs(members) do
    local from, thread = string.sub(member, #first + 1, #first + 12), string.sub(member, #first + 13)
    if from > stop then break end
    for _, number in ipairs(replies_of_others(thread, from, stop, most)) do found[#found + 1] = number end
    if #found >= most * 2 then
      table.sort(found)
      for i = #found, most + 1, -1 do found[i] = nil end
      stop = found[most]
    end
  end
  return found
end

-- Others' threads of high priority past the cursor.
local function unread_urgent(cursor, most)
  local found = {}
  local start = '[h\0' .. string.format('%014.0f', cursor.at) .. number_of(cursor.number + 1)
  repeat
    local members = call('ZRANGEBYLEX', BOARD_LISTS, start, '(h\1', 'LIMIT', 0, CHUNK)
    for _, member in ipairs(members) do
      local number, author = string.sub(member, 17, 28), string.sub(member, 29)
      if author ~= ACTOR then
        found[#found + 1] = number
        if #found == most then return found end
      end
    end
    if #members > 0 then start = '(' .. members[#members] end
    -- Threads of its own, which it may post without ever having anything to read, are passed over once.
    if #found == 0 and #members == CHUNK then
      cursor.at = int(tonumber(string.sub(members[CHUNK], 3, 16)))
      save_cursor(cursor)
    end
  until #members < CHUNK
  return found
end

-- The oldest unread messages: their numbers in order, and the first letter of each one's reason. A message
-- that is there for several reasons has the first of them.
local function unread(cursor, most)
  local reasons, numbers = {}, {}
  local function add(number, reason)
    if not reasons[number] then numbers[#numbers + 1] = number end
    reasons[number] = reasons[number] or reason
  end
  local first = ACTOR .. '\0n'
  local named = call('ZRANGEBYLEX', INBOX, '[' .. first, '(' .. ACTOR .. '\0o', 'LIMIT', 0, most)
  for _, member in ipairs(named) do
    add(string.sub(member, #first + 1, #first + 12), string.sub(member, #first + 13))
  end
  for _, number in ipairs(unread_replies(most)) do add(number, 'r') end
  for _, number in ipairs(unread_urgent(cursor, most)) do add(number, 'h') end
  -- Each source gave its first ones, so the first ones of all are among them.
  table.sort(numbers)
  for i = #numbers, most + 1, -1 do numbers[i] = nil end
  return numbers, reasons
end

-- Removes messages that name the actor, up to this number; true when some are left.
local function remove_named(number)
  local first = ACTOR .. '\0n'
  local start, stop = '[' .. first, '(' .. first .. number_of(number + 1)
  local last = call('ZRANGEBYLEX', INBOX, start, stop, 'LIMIT', NAMED_AT_ONCE - 1, 1)[1]
  call('ZREMRANGEBYLEX', INBOX, start, last and '[' .. last or stop)
  return last ~= nil
end

-- Moves the marks of threads in which everything up to this number is read now; true when some are left.
local function move_marks(number)
  local first = ACTOR .. '\0u'
  local stop = '(' .. first .. number_of(number + 1)
  local members = call('ZRANGEBYLEX', INBOX, '[' .. first, stop, 'LIMIT', 0, MARKS_AT_ONCE)
  for _, member in ipairs(members) do
    local from, thread = string.sub(member, #first + 1, #first + 12), string.sub(member, #first + 13)
    local following = replies_of_others(thread, number_of(number + 1), LAST, 1)[1]
    call('ZREM', INBOX, member)
    call('ZREM', THREAD_PARTS, thread .. 's' .. ACTOR .. '\0' .. from)
    if following then
      call('ZADD', INBOX, 0, first .. following .. thread)
      call('ZADD', THREAD_PARTS, 0, thread .. 's' .. ACTOR .. '\0' .. following)
    else
      call('ZADD', THREAD_PARTS, 0, thread .. 'r' .. ACTOR)
    end
  end
  return #members == MARKS_AT_ONCE
end

-- Removes some of what was read from the inbox; true when there may be more.
local function tidy(cursor)
  local named_left = remove_named(cursor.number)
  return move_marks(cursor.number) or named_left
end

-- Counts every message up to this number as read.
local function acknowledge(cursor, number)
  if number <= cursor.number then return end
  cursor.number = number
  tidy(cursor)
  -- The newest message may have been removed: what comes next is not older than this operation.
  local record = call('HGET', MESSAGES, number)
  cursor.at = int(math.max(record and parse_message(number, record).at or now, cursor.at))
end
