--[[ engine/operation: what every operation is made with: waking, its events, its answer, and what an earlier try did. The
parts that several scripts share follow, each once in a script; engine/begin comes before the operation itself. ]]
local OP, ACTOR = '', ''
local ENTRY_EVENTS = 8
local LISTENER_MS = 60000
local emitted, emitted_count = {}, 0

-- A list as JSON; an empty table alone would become an object.
local function list(items)
  if #items == 0 then return '[]' end
  return cjson.encode(items)
end

-- Puts a waker on a topic: the next notify wakes it, once. A waiter calls this again each time it looks at the store.
local function listen(topic, waker)
  local listening = waker .. '@' .. int(now)
  for other, seen in string.gmatch(call('HGET', LISTENERS, topic) or '', '(%S+)@(%d+)') do
    if other ~= waker and now - tonumber(seen) < LISTENER_MS then
      listening = listening .. ' ' .. other .. '@' .. seen
    end
  end
  call('HSET', LISTENERS, topic, listening)
  if topic == 'events' and followers == 0 then followers, dirty = 1, true end
end

local function notify(topic)
  local heard = call('HGET', LISTENERS, topic)
  if not heard then return end
  call('HDEL', LISTENERS, topic)
  for waker in string.gmatch(heard, '(%S+)@%d+') do wake(waker) end
end

-- Emits an event of this type about the subject; agent and data (JSON) may be nil.
local function emit(type, subject, agent, data)
  last_event = last_event + 1
  emitted_count = emitted_count + 1
  emitted[emitted_count * 2 - 1] = type
  emitted[emitted_count * 2] = event_text(subject, agent, data)
end

local function publish(reply)
  if gap_event then emit_gap() end
  for first = 1, emitted_count, ENTRY_EVENTS do
    local last = math.min(first + ENTRY_EVENTS - 1, emitted_count)
    local entry = { unpack(emitted, first * 2 - 1, last * 2) }
    local owners = OP ~= '' and OP .. '=' .. last - first + 1 or ''
    add_entry(entry, last_event - emitted_count + last, owners, last == emitted_count and reply)
  end
  if followers == 1 then
    followers = 0
    notify('events')
  end
end

-- Ends an operation that may have written. With keep its answer is kept with its events, for a repeated call.
local function finish(reply, keep)
  if emitted_count > 0 or gap_event then publish(keep and reply) end
  if not BATCHED then save_state() end
  return reply
end

-- What this call expects to be remembered is not what the server remembers: only the gap is noted.
if refused then
  if gap_event then publish() end
  save_state()
  return redis.error_reply('MEMORY ' .. int(memory) .. (gap_cause == 'emptied' and ' emptied' or ''))
end

-- What an earlier try of this very operation did: its events as {type, subject, data}, and its answer if kept. Only in
-- a repeated call: a script pays for every function that it defines.
local replay
if is_retry then
  local CALLED = ARGV
  -- How many entries of the stream are looked through for an earlier try, and how many at a time; and how long the
  -- index of them is kept after the last one who needed it.
  local LOOK_BACK, LOOK, INDEX_MS = 50000, 250, 10000

  -- The calls of this script that an earlier try may have made: their names.
  local function operations_called()
    local names, at = {}, BATCHED and 3 or 0
    while at < #CALLED do
      names[CALLED[at + 1]] = { done = {} }
      at = at + (BATCHED and CALLED[at] or #CALLED) + 1
    end
    return names
  end

  --[[ Which entries of the stream each of these names owns: name -> ids, newest first. Whoever looks back leaves an index
  of what it has read, from one id to another without a gap, so that many who were cut off at the same time do not
  each read the same: the next reads only what is newer. All entries of one call lie together, so
  the look ends where they end, or with what was there before the call was first made. ]]
  local function find_entries(names)
    local index, found, looked = KEYS[#KEYS], {}, 0
    if call('HLEN', index) > 2 * LOOK_BACK then call('DEL', index) end
    -- Refused where engine/state was refused to leave the name of the call: then there is none.
    local indexing = type(redis.pcall('HSET', index, ' at', int(now))) == 'number'
    -- Whether the last of these entries is one of those that are looked for.
    local function note(entries)
      local mine, owned = false, {}
      for _, entry in ipairs(entries) do
        mine = false
        for i = 1, #entry[2], 2 do
          if entry[2][i] == 'o' then
            for op in string.gmatch(entry[2][i + 1], '(%S+)=') do
              if names[op] then found[op], mine = (found[op] or '') .. entry[1] .. ' ', true end
              owned[op] = (owned[op] or '') .. entry[1] .. ' '
            end
          end
        end
      end
      for op, ids in pairs(indexing and owned or {}) do
        if call('HSETNX', index, op, ids) == 0 then call('HSET', index, op, call('HGET', index, op) .. ids) end
      end
      looked = looked + #entries
      return mine
    end
    local oldest, newest = unpack(call('HMGET', index, ' from', ' to'))
    -- First what has come since the index was made, as a whole.
    local top, to = nil, '+'
    while newest do
      local entries = call('XREVRANGE', EVENTS, to, '(' .. newest, 'COUNT', LOOK)
      if #entries == 0 then break end
      top = top or entries[1][1]
      note(entries)
      to = '(' .. entries[#entries][1]
    end
    for op in pairs(names) do
      local ids = newest and not found[op] and call('HGET', index, op)
      if ids then found[op] = ids end
    end
    to = oldest and '(' .. oldest or '+'
    while not next(found) and looked < LOOK_BACK and tonumber(string.match(to, '%d+') or HUGE) >= since do
      local entries = call('XREVRANGE', EVENTS, to, '-', 'COUNT', LOOK)
      if #entries == 0 then break end
      top, oldest = top or entries[1][1], entries[#entries][1]
      local goes_on = note(entries)
      to = '(' .. oldest
      while goes_on do
        entries = call('XREVRANGE', EVENTS, to, '-', 'COUNT', LOOK)
        if #entries == 0 then break end
        oldest, goes_on = entries[#entries][1], note(entries)
        to = '(' .. oldest
      end
    end
    if oldest and indexing then
      call('HSET', index, ' from', oldest, ' to', top or newest)
      call('PEXPIRE', index, INDEX_MS)
    end
    return found
  end

  -- One look back serves all operations of a batch.
  local earlier
  replay = function()
    if earlier then return earlier[OP].done, earlier[OP].answer end
    earlier = operations_called()
    for op, ids in pairs(find_entries(earlier)) do
      local mine = earlier[op]
      for id in string.gmatch(ids, '%S+') do
        for _, entry in ipairs(call('XRANGE', EVENTS, id, id)) do
          local items, owners, kept = {}, '', nil
          for i = 1, #entry[2], 2 do
            local field, value = entry[2][i], entry[2][i + 1]
            if field == 'o' then
              owners = value
            elseif field == 'r' then
              kept = value
            else
              items[#items + 1] = { field, value }
            end
          end
          local before = 0
          for owner, count in string.gmatch(owners, '(%S+)=(%d+)') do
            for i = before + 1, owner == op and before + count or before do
              local data, subject = string.match(items[i][2], '^%Z*%z(%Z*)%z(.*)$')
              mine.done[#mine.done + 1] = { items[i][1], subject, data }
              mine.answer = mine.answer or kept
            end
            before = before + count
          end
        end
      end
    end
    return earlier[OP].done, earlier[OP].answer
  end
end
