--[[ board/take: takes threads, messages and what was read over from a store that stood in for this one; each is as told
afterwards, however often it is told.

Messages get numbers of this store, in the order in which they are told. A thread that is here already, since a call that was
given up was executed after all, becomes as told; what else is in it stays. No event is emitted.

NEEDS   board/delivery, board/hiding, board/unread, engine/conflicts
KEYS    board_lists, board_ids, messages, thread_parts, inbox, inbox_cursors
ARGV    from 5 on, of each thread: "moved", id, title (JSON), author, priority, tags (JSON), status, when it was opened,
        when it last changed, how many replies it has where it comes from; how many messages follow, and of each: 1 if it opens
        the thread, id, key (of the thread, if it opens one) or "", author, when, text (JSON), addressees (JSON), recipients as board/delivery, those
        of them who have not read it, words; how many members follow, and of each: name, id of the first unread reply or "";
        of each that was removed: "removed", id
        of each that has read threads of high priority: "reader", name, an instant, how many follow, and the ids of those that
        were opened before it, all of which it has read
RETURN  {id, what became of it, more of that} of each that was not taken over as told: "key" and who has it; "lost" when
        the thread of a message is not here; "elsewhere" when it is in another thread here
KEEPS   a message that nobody has read is unread; of a thread that has other messages here nothing counts as read that was not
        before, and an agent's cursor passes no thread of high priority that it has not read: these are seen again ]]
local at, conflicts = 5, {}

local function argument()
  at = at + 1
  return ARGV[at - 1]
end

local function conflict(id, kind, more)
  conflicts[#conflicts + 1] = cjson.encode({ id, kind, more or '' })
end

-- Whose key of this kind it is: a number; nil when it is free.
local function owner_of(kind, key)
  local owner = call('HGET', BOARD_IDS, kind .. key)
  if owner and kind == 'M' and thread_at(message_at(owner).thread).status == REMOVING then return nil end
  return owner or nil
end

-- Lets the key lead to this number, and the one from before no more; answers the key that leads there.
local function take_key(kind, key, number, id, before)
  if before ~= '' and before ~= key and call('HGET', BOARD_IDS, kind .. before) == number then
    call('HDEL', BOARD_IDS, kind .. before)
  end
  if key == '' then return '' end
  local owner = owner_of(kind, key)
  if owner and owner ~= number then
    conflict(id, 'key', kind == 'T' and thread_at(owner).id or message_at(owner).id)
    return ''
  end
  call('HSET', BOARD_IDS, kind .. key, number)
  return key
end

-- The mark of the agent in a thread: the number of the first reply that it has not read, "" when it has read all; nil when it
-- has not written there.
local function mark_of(thread, agent)
  local first = thread.number .. 's' .. agent .. '\0'
  local member = call('ZRANGEBYLEX', THREAD_PARTS, '[' .. first, '(' .. thread.number .. 's' .. agent .. '\1', 'LIMIT', 0, 1)[1]
  if member then return string.sub(member, #first + 1) end
  return call('ZSCORE', THREAD_PARTS, thread.number .. 'r' .. agent) and '' or nil
end

-- Puts the message into the inboxes of those who have not read it, and takes it out of the others'.
local function hand_out(number, recipients, unread)
  local waiting = {}
  for name in string.gmatch(unread, '([^ :]+):') do waiting[name] = true end
  for name, reason in string.gmatch(recipients, '([^ :]+):(%a)') do
    local member = name .. '\0n' .. number .. reason
    if not waiting[name] then
      call('ZREM', INBOX, member)
    elseif call('ZADD', INBOX, 0, member) == 1 then
      notify('inbox:' .. name)
    end
  end
end

local function take_message(thread)
  local opens = argument() == '1'
  local id, key, author, written, text = argument(), argument(), argument(), argument(), argument()
  local to, recipients, unread, words = argument(), argument(), argument(), argument()
  local number = call('HGET', BOARD_IDS, 'm' .. id)
  local known = number and message_at(number)
  if known and known.thread ~= thread.number then return conflict(id, 'elsewhere') end
  if not opens and not thread.number then return conflict(id, 'lost') end
  if not known then
    messages = messages + 1
    number = number_of(messages)
  end
  thread.number = thread.number or number
  key = take_key(opens and 'T' or 'M', key, number, opens and thread.id or id, known and known.key or '')
  call('HSET', MESSAGES, number, table.concat({ id, thread.number, author, written, to, key, recipients, text }, '\0'))
  call('HSET', BOARD_IDS, 'm' .. id, number)
  hand_out(number, recipients, unread)
  if known then return end
  index_words(thread, words)
  ACTOR = author
  if not opens then
    call('ZADD', THREAD_PARTS, 0, thread.number .. 'm' .. number .. author)
    mark_members(thread, number)
  end
  if not mark_of(thread, author) then call('ZADD', THREAD_PARTS, 0, thread.number .. 'r' .. author) end
end

-- Who has read what of a thread all of whose messages are here.
local function take_member(thread, has_others)
  local agent, from = argument(), argument()
  local unread = from ~= '' and call('HGET', BOARD_IDS, 'm' .. from) or ''
  local before = mark_of(thread, agent)
  if before == unread then return end
  if has_others and before and before ~= '' and (unread == '' or before < unread) then return end
  if before and before ~= '' then
    call('ZREM', THREAD_PARTS, thread.number .. 's' .. agent .. '\0' .. before)
    call('ZREM', INBOX, agent .. '\0u' .. before .. thread.number)
  elseif before then
    call('ZREM', THREAD_PARTS, thread.number .. 'r' .. agent)
  end
  if unread == '' then
    call('ZADD', THREAD_PARTS, 0, thread.number .. 'r' .. agent)
  else
    call('ZADD', THREAD_PARTS, 0, thread.number .. 's' .. agent .. '\0' .. unread)
    call('ZADD', INBOX, 0, agent .. '\0u' .. unread .. thread.number)
    notify('inbox:' .. agent)
  end
end

-- Takes the places of the thread as it stands here out of the lists.
local function displace(thread)
  call('ZREM', BOARD_LISTS, unpack(places_of(thread)))
  if thread.priority == 'high' then call('ZREM', BOARD_LISTS, urgent_place(thread)) end
end

local function take_thread()
  local id, title, author, priority = argument(), argument(), argument(), argument()
  local tags, status, created, updated, told = argument(), argument(), argument(), argument(), tonumber(argument())
  local thread = find_thread(id)
  local is_new = not thread
  if thread then displace(thread) end
  thread = thread or { id = id }
  thread.title, thread.author, thread.priority, thread.tags = title, author, priority, tags
  thread.status, thread.created, thread.updated = status, created, updated
  for _ = 1, tonumber(argument()) do take_message(thread) end
  local first = (thread.number or '') .. 'm'
  local replies = thread.number and call('ZLEXCOUNT', THREAD_PARTS, '[' .. first, '(' .. thread.number .. 'n') or 0
  for _ = 1, tonumber(argument()) do
    if thread.number then
      take_member(thread, replies > told)
    else
      at = at + 2
    end
  end
  if not thread.number then return end
  thread.replies = int(replies)
  save_thread(thread)
  file(thread)
  call('HSET', BOARD_IDS, 't' .. id, thread.number)
  if priority ~= 'high' then return end
  call('ZADD', BOARD_LISTS, 0, urgent_place(thread))
  if is_new then wake_everybody() end
end

-- The agent has read these threads of high priority: its cursor goes up to the first one that it has not read.
local function take_reader()
  local before, read = nil, {}
  ACTOR, before = argument(), tonumber(argument())
  local count = tonumber(argument())
  for _ = 1, count do read[argument()] = true end
  if not registered_at(ACTOR) and call('HEXISTS', INBOX_CURSORS, ACTOR) == 0 then
    return save_cursor({ number = number_of(0), at = int(before), given = '' })
  end
  local cursor = find_cursor()
  for _, number in ipairs(unread_urgent(cursor, count + 1)) do
    local thread = thread_at(number)
    if not read[thread.id] then
      before = math.min(before, tonumber(thread.created))
      break
    end
  end
  if before <= tonumber(cursor.at) then return end
  cursor.at = int(before)
  save_cursor(cursor)
end

local function take_away()
  local thread = find_thread(argument())
  if thread then hide(thread) end
end

local TAKES = { moved = take_thread, removed = take_away, reader = take_reader }
while at <= #ARGV do TAKES[argument()]() end
dirty = true
return finish(keep_conflicts('board', conflicts))
