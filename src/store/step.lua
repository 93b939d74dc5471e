--[[ store/step: what every step is made with: waking, its events, its answer, and what an earlier try did. The
parts that several scripts share follow, each once in a script; store/begin comes before the step itself. ]]
local CALLED = ARGV
local OP, ACTOR = '', ''
local ENTRY_EVENTS = 8
local LISTENER_MS = 60000
local news, told = {}, 0

-- A list as JSON; an empty table alone would become an object.
local function list(items)
  if #items == 0 then return '[]' end
  return cjson.encode(items)
end

-- Puts a bell on a topic, for the next notify to ring it once. Who waits listens again at every look.
local function listen(topic, bell)
  local line = bell .. '@' .. int(now)
  for other, seen in string.gmatch(call('HGET', LISTENERS, topic) or '', '(%S+)@(%d+)') do
    if other ~= bell and now - tonumber(seen) < LISTENER_MS then
      line = line .. ' ' .. other .. '@' .. seen
    end
  end
  call('HSET', LISTENERS, topic, line)
  if topic == 'events' and followers == 0 then followers, dirty = 1, true end
end

local function notify(topic)
  local heard = call('HGET', LISTENERS, topic)
  if not heard then return end
  call('HDEL', LISTENERS, topic)
  for bell in string.gmatch(heard, '(%S+)@%d+') do ring(bell) end
end

-- Notes that type happened to subject; agent and data (JSON) may be nil.
local function emit(type, subject, agent, data)
  event = event + 1
  told = told + 1
  news[told * 2 - 1] = type
  news[told * 2] = (agent or '') .. '\0' .. (data or '') .. '\0' .. subject
end

local function publish(reply)
  for first = 1, told, ENTRY_EVENTS do
    local last = math.min(first + ENTRY_EVENTS - 1, told)
    local entry = { unpack(news, first * 2 - 1, last * 2) }
    local steps = OP ~= '' and OP .. '=' .. last - first + 1 or ''
    add_entry(entry, event - told + last, steps, last == told and reply)
  end
  if followers == 1 then
    followers = 0
    notify('events')
  end
end

-- Ends a step that may have written. With keep its answer is kept with its events, for a repeated call.
local function finish(reply, keep)
  if told > 0 then publish(keep and reply) end
  if not BATCHED then save_state() end
  return reply
end

-- What an earlier try of this very step did: its events as {type, subject, data}, and its answer if kept. Only in
-- a repeated call: a script pays for every function that it defines. One look back serves all steps of a batch.
local earlier
local recall = REPEATED and function()
  if earlier then return earlier[OP].done, earlier[OP].answer end
  earlier = {}
  local at = BATCHED and 3 or 0
  while at < #CALLED do
    earlier[CALLED[at + 1]] = { done = {} }
    at = at + (BATCHED and CALLED[at] or #CALLED) + 1
  end
  local looked, to = 0, '+'
  while looked < 50000 do
    local entries = call('XREVRANGE', EVENTS, to, '-', 'COUNT', 1000)
    for _, entry in ipairs(entries) do
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
      for op, count in string.gmatch(owners, '(%S+)=(%d+)') do
        local mine = earlier[op]
        for i = before + 1, mine and before + count or before do
          local data, subject = string.match(items[i][2], '^%Z*%z(%Z*)%z(.*)$')
          mine.done[#mine.done + 1] = { items[i][1], subject, data }
          mine.answer = mine.answer or kept
        end
        before = before + count
      end
    end
    looked = looked + #entries
    if #entries < 1000 then break end
    to = '(' .. entries[#entries][1]
    -- What is older was there before the call was first made.
    if tonumber(string.match(to, '%d+')) < since then break end
  end
  return earlier[OP].done, earlier[OP].answer
end
