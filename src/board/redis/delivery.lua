--[[ board/delivery: appends a message to its thread and brings it to the inboxes; part of post and reply.

NEEDS   board/filing, event/notify_all
KEYS    board_words, thread_parts, inbox, inbox_waiters, messages, board_ids, board_lists
ARGV           5 message's id, 6 text (JSON), 7 addressees (JSON), 8 recipients: name:d or name:m each, for
               direct or mention, with a space between them, 9 words, with a space between them
BOARD_WORDS    members of score 0: word NUL number of a thread in which it occurs
THREAD_PARTS   members of score 0, each beginning with a thread's number: m number author is a reply;
               r agent has written in it and read everything since; s agent NUL number has, and the reply of
               that number is the first unread
INBOX          members of score 0: agent NUL n number d or m is a message that names the agent; agent NUL u
               number thread is the first reply unread of a thread, for each s of THREAD_PARTS
INBOX_WAITERS  waker -> when its agent last found nothing
KEEPS          nothing is written per reader unless it has to be: a reply marks those who had read it all,
               each mark paid for by an earlier acknowledgement; a thread of high priority marks nobody. ]]
local WORDS_AT_ONCE, MEMBERS_AT_ONCE = 2000, 1000

-- Makes a thread findable by these words.
local function index_words(thread, words)
  local scored = {}
  for word in string.gmatch(words, '[^ ]+') do
    scored[#scored + 1] = 0
    scored[#scored + 1] = word .. '\0' .. thread.number
    if #scored == WORDS_AT_ONCE * 2 then
      call('ZADD', BOARD_WORDS, unpack(scored))
      scored = {}
    end
  end
  if #scored > 0 then call('ZADD', BOARD_WORDS, unpack(scored)) end
end

-- Marks the thread as unread for everybody who had read all of it.
local function mark_members(thread, number)
  local first = thread.number .. 'r'
  local members = call('ZRANGEBYLEX', THREAD_PARTS, '[' .. first, '(' .. thread.number .. 's')
  for from = 1, #members, MEMBERS_AT_ONCE do
    local read, marks, unread, topics = {}, {}, {}, {}
    for i = from, math.min(from + MEMBERS_AT_ONCE - 1, #members) do
      local agent = string.sub(members[i], #first + 1)
      if agent ~= ACTOR then
        local count = #read + 1
        read[count], topics[count] = members[i], 'inbox:' .. agent
        marks[count * 2 - 1], marks[count * 2] = 0, thread.number .. 's' .. agent .. '\0' .. number
        unread[count * 2 - 1], unread[count * 2] = 0, agent .. '\0u' .. number .. thread.number
      end
    end
    if #read > 0 then
      call('ZREM', THREAD_PARTS, unpack(read))
      call('ZADD', THREAD_PARTS, unpack(marks))
      call('ZADD', INBOX, unpack(unread))
      notify_all(topics)
    end
  end
end

local function wake_everybody()
  local wakers = call('ZRANGEBYSCORE', INBOX_WAITERS, int(now - LISTENER_MS), '+inf')
  for _, waker in ipairs(wakers) do wake(waker) end
  call('DEL', INBOX_WAITERS)
end

-- Stores the next message, by the actor; it opens the thread when the thread has no number yet. Its idempotency key
-- may be empty.
local function append(thread, key)
  messages = messages + 1
  local message = {
    number = number_of(messages),
    id = ARGV[5],
    author = ACTOR,
    at = int(now),
    text = ARGV[6],
    to = ARGV[7],
  }
  local opens = not thread.number
  thread.number = thread.number or message.number
  local fields = { message.id, thread.number, ACTOR, message.at, message.to, key, ARGV[8], message.text }
  call('HSET', MESSAGES, message.number, table.concat(fields, '\0'))
  call('HSET', BOARD_IDS, 'm' .. message.id, message.number)
  index_words(thread, ARGV[9])
  for name, reason in string.gmatch(ARGV[8], '([^ :]+):(%a)') do
    call('ZADD', INBOX, 0, name .. '\0n' .. message.number .. reason)
    notify('inbox:' .. name)
  end
  if opens then
    if thread.priority == 'high' then
      call('ZADD', BOARD_LISTS, 0, urgent_place(thread))
      wake_everybody()
    end
  else
    call('ZADD', THREAD_PARTS, 0, thread.number .. 'm' .. message.number .. ACTOR)
    mark_members(thread, message.number)
  end
  local mark = thread.number .. 's' .. ACTOR
  if not call('ZRANGEBYLEX', THREAD_PARTS, '[' .. mark .. '\0', '(' .. mark .. '\1', 'LIMIT', 0, 1)[1] then
    call('ZADD', THREAD_PARTS, 0, thread.number .. 'r' .. ACTOR)
  end
  return message
end
