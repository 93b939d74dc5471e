--[[ store/step: what every script begins with: the clock, the counters, the event stream, and waking.

KEYS    1 state, 2 events, 3 listeners, 4 agents, 5 seen, 6 held, 7 locks, 8 lock_due, 9 tasks, 10 task_order;
        a script's own keys come after them; each is in a local of that name in capitals
ARGV    1 op: names this call, "" for one that only reads
        2 "" or now|again|run: the time to work with (tests only, else empty), how many ms ago this call was
          first made if an earlier try of it may have been executed, and the server's run id in the first call on each connection
        3 actor's name, "" for none    4 1 or 0: whether its heartbeat is due, then host, line feed, pid
        a script's own arguments come after them
STATE   one string of numbers: what nearly every step reads and writes costs it one GET and one SET
EVENTS  a stream; an entry holds what one step did, a few events at most. Its id is <instant>-<number of its last
        event>; its fields are type -> agent NUL data NUL subject, then o -> op and r -> the answer kept
KEEPS   the clock never steps backwards; a fence, and an event's number, is never handed out twice, not even
        by a server that has lost the newest writes: whenever another run of a server answers, both leap. ]]
local call = redis.call
local OP, ACTOR = ARGV[1], ARGV[3]
local HUGE = math.huge
local LEAP = 1048576
local ENTRY_EVENTS = 8
local LISTENER_MS = 60000
local RECALL_MARGIN_MS = 2000
local STATE_FORMAT = '>dddddddddddddds'

local version, now, fence, event, followers, departed_at = SCHEMA, 0, 0, 0, 0, 0
local lock_floor, lock_waiters, lock_seq = HUGE, 0, 0
local task_floor, task_waiters, task_links, task_seq, messages = HUGE, 0, 0, 0, 0
local run = ''
local dirty = false
local REPEATED, since = false, 0
do
  local raw = call('GET', STATE)
  if raw then
    version, now, fence, event, followers, departed_at, lock_floor, lock_waiters, lock_seq, task_floor,
      task_waiters, task_links, task_seq, messages, run = struct.unpack(STATE_FORMAT, raw)
    if version ~= SCHEMA then return redis.error_reply('SCHEMA ' .. version) end
  end
  local given, again, running = '', '', ''
  if ARGV[2] ~= '' then given, again, running = string.match(ARGV[2], '^(%d*)|(%d*)|(.*)$') end
  if given ~= '' then
    now = math.max(now, tonumber(given))
  else
    local time = call('TIME')
    now = math.max(now, time[1] * 1000 + math.floor(time[2] / 1000))
  end
  -- A client of a cluster cannot tell which server is going to answer.
  if CLUSTERED and OP ~= '' then running = string.match(call('INFO', 'server'), 'run_id:(%x+)') end
  if OP ~= '' and running ~= '' and running ~= run then
    if run ~= '' then fence, event = fence + LEAP, event + LEAP end
    run, dirty = running, true
  end
  REPEATED = again ~= '' and OP ~= ''
  if REPEATED and given == '' then since = now - tonumber(again) - RECALL_MARGIN_MS end
end
local news, told = {}, 0

-- Numbers as text: plain concatenation would round those of more than 14 digits.
local function int(number)
  return string.format('%.0f', number)
end

-- A list as JSON; an empty table alone would become an object.
local function list(items)
  if #items == 0 then return '[]' end
  return cjson.encode(items)
end

-- Wakes the process whose bell this is; false when it is surely dead.
local function ring(bell)
  local heard = call('PUBLISH', string.sub(STATE, 1, -6) .. 'bell:' .. bell, '')
  return CLUSTERED or heard > 0
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
    if OP ~= '' then
      entry[#entry + 1] = 'o'
      entry[#entry + 1] = OP
    end
    if reply and last == told then
      entry[#entry + 1] = 'r'
      entry[#entry + 1] = reply
    end
    local id = int(now) .. '-' .. int(event - told + last)
    call('XADD', EVENTS, 'MAXLEN', '~', EVENTS_KEPT, id, unpack(entry))
  end
  if followers == 1 then
    followers = 0
    notify('events')
  end
end

-- Ends a step that may have written. With keep its answer is kept with its events, for a repeated call.
local function finish(reply, keep)
  if told > 0 then publish(keep and reply) end
  if told > 0 or dirty then
    call('SET', STATE, struct.pack(STATE_FORMAT, version, now, fence, event, followers, departed_at, lock_floor,
      lock_waiters, lock_seq, task_floor, task_waiters, task_links, task_seq, messages, run))
  end
  return reply
end

-- What an earlier try of this very call did: its events as {type, subject, data}, and its answer if kept. Only
-- in a repeated call: a script pays for every function that it defines.
local recall = REPEATED and function()
  local done, answer, looked, to = {}, nil, 0, '+'
  while looked < 50000 do
    local entries = call('XREVRANGE', EVENTS, to, '-', 'COUNT', 1000)
    for _, entry in ipairs(entries) do
      local fields = entry[2]
      local mine, kept, items = false, nil, {}
      for i = 1, #fields, 2 do
        if fields[i] == 'o' then
          mine = fields[i + 1] == OP
        elseif fields[i] == 'r' then
          kept = fields[i + 1]
        else
          local data, subject = string.match(fields[i + 1], '^%Z*%z(%Z*)%z(.*)$')
          items[#items + 1] = { fields[i], subject, data }
        end
      end
      if mine then
        answer = answer or kept
        for _, item in ipairs(items) do done[#done + 1] = item end
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

if REPEATED then
  local _, answer = recall()
  if answer then return finish(answer) end
end
