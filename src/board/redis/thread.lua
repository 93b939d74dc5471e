--[[ board/thread: threads and messages as they are kept; part of every script that shows or changes them.

KEYS    threads, board_ids, messages
BOARD_IDS  t id of a thread, m id of a message, T key of a thread, M key of a reply -> number
THREADS    number -> fields with NUL between them: id, status, replies, when it last changed, priority,
           author, when it was opened, tags (JSON), title (JSON). The status is REMOVING while board/prune takes the
           thread away in several operations: then no list has it, and no id or key leads to it
MESSAGES   number -> id, thread's number, author, instant, addressees (JSON), idempotency key or nothing, recipients as
           board/delivery is given them, text (JSON)
           Behind the last field of both a later program may add others, each after a NUL
KEEPS      messages are numbered 1, 2, 3 … across the namespace, and a thread's number is that of the message
           that opens it. Numbers have twelve digits, so that they sort as text. ]]
local REMOVING = 'removing'
local THREAD_FIELDS = '^' .. string.rep('(%Z*)%z', 8) .. '(%Z*)(.*)$'
local MESSAGE_FIELDS = '^' .. string.rep('(%Z*)%z', 7) .. '(%Z*)'

local function number_of(value)
  return string.format('%012.0f', value)
end

local function parse_thread(number, record)
  local thread = { number = number }
  thread.id, thread.status, thread.replies, thread.updated, thread.priority, thread.author, thread.created,
    thread.tags, thread.title, thread.added = string.match(record, THREAD_FIELDS)
  return thread
end

local function thread_at(number)
  return parse_thread(number, call('HGET', THREADS, number))
end

local function find_thread(id)
  local number = call('HGET', BOARD_IDS, 't' .. id)
  return number and thread_at(number)
end

local function save_thread(thread)
  call('HSET', THREADS, thread.number, table.concat({
    thread.id,
    thread.status,
    thread.replies,
    thread.updated,
    thread.priority,
    thread.author,
    thread.created,
    thread.tags,
    thread.title,
  }, '\0') .. (thread.added or ''))
end

local function parse_message(number, record)
  local message = { number = number }
  message.id, message.thread, message.author, message.at, message.to, message.key, message.recipients, message.text =
    string.match(record, MESSAGE_FIELDS)
  return message
end

local function message_at(number)
  return parse_message(number, call('HGET', MESSAGES, number))
end

-- A thread as JSON, with the message that opens it; `more` is text of further members.
local function show_thread(thread, opening, more)
  return table.concat({
    '{"id":"',
    thread.id,
    '","title":',
    thread.title,
    ',"message":',
    opening.text,
    ',"author":"',
    thread.author,
    '","priority":"',
    thread.priority,
    '","tags":',
    thread.tags,
    ',"to":',
    opening.to,
    ',"status":"',
    thread.status,
    '","replyCount":',
    thread.replies,
    ',"createdAtMs":',
    thread.created,
    ',"updatedAtMs":',
    thread.updated,
    more or '',
    '}',
  })
end

local function show(thread, more)
  return show_thread(thread, message_at(thread.number), more)
end

local function show_reply(message)
  return table.concat({
    '{"id":"',
    message.id,
    '","author":"',
    message.author,
    '","message":',
    message.text,
    message.to ~= '[]' and ',"to":' .. message.to or '',
    ',"atMs":',
    message.at,
    '}',
  })
end
