--[[ store/step: what every step is made with: waking, its events, its answer, and what an earlier try did. The
parts that several scripts share follow, each once in a script; store/begin comes before the step itself. ]]
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

-- What an earlier try of this very call did: its events as {type, subject, data}, and its answer if kept. Only
-- in a repeated call: a script pays for every function that it defines.
local recall = REPEATED and function()
  local done, answer, looked, to = {}, nil, 0, '+'
  while looked < 50000 do
    local entries = call('XREVRANGE', EVENTS, to, '-', 'COUNT', 1000)
    for _, entry in ipairs(entries) do
      local items, first, last, kept = {}, 1, 0, nil
      for i = 1, #entry[2], 2 do
        local field, value = entry[2][i], entry[2][i + 1]
        if field == 'o' then
          local before = 0
          for op, count in string.gmatch(value, '(%S+)=(%d+)') do
            if op == OP then first, last = before + 1, before + count end
            before = before + count
          end
        elseif field == 'r' then
          kept = value
        else
          local data, subject = string.match(value, '^%Z*%z(%Z*)%z(.*)$')
          items[#items + 1] = { field, subject, data }
        end
      end
      for i = first, last do
        answer = answer or kept
        done[#done + 1] = items[i]
      end
    end
    looked = looked + #entries
    if #entries < 1000 then break end
    to = '(' .. entries[#entries][1]
    -- What is older was there before the call was first made.
    if tonumber(string.match(to, '%d+')) < since then break end
  end
  return done, answer
end
