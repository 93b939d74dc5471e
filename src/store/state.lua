--[[ store/state: what every script begins with: the clock, the counters, and the event stream.

KEYS    1 state, 2 events, 3 listeners, 4 agents, 5 seen, 6 held, 7 locks, 8 lock_due, 9 tasks, 10 task_order;
        a script's own keys come after them; each is in a local of that name in capitals
ARGV    1 "" when nothing is going to be written
        2 "" or now|again|run: the time to work with (tests only, else empty), how many ms ago this call was
          first made if an earlier try of it may have been executed, and the server's run id in the first call on each connection
        the rest is read by store/begin, or store/batch
EVENTS  a stream; an entry holds what a step did, or a few: a few events at most. Its id is <instant>-<number of
        its last event>; its fields are those of its events, then o -> whose they are, and r -> the answer kept
STATE   one string of numbers: what nearly every step reads and writes costs it one GET and one SET
KEEPS   the clock never steps backwards; a fence, and an event's number, is never handed out twice, not even
        by a server that has lost the newest writes: whenever another run of a server answers, both leap. ]]
local call = redis.call
local ARGV = ARGV
local WRITES = ARGV[1] ~= ''
local HUGE = math.huge
local LEAP = 1048576
local RECALL_MARGIN_MS = 2000
-- An agent that acts within this long after anybody has left may be the one: a sign of life is implied once a
-- second, and a call may be on its way for as long as it is tried.
local DEPARTURE_MS = 10000
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
  if CLUSTERED and WRITES then running = string.match(call('INFO', 'server'), 'run_id:(%x+)') end
  if WRITES and running ~= '' and running ~= run then
    if run ~= '' then fence, event = fence + LEAP, event + LEAP end
    run, dirty = running, true
  end
  REPEATED = WRITES and again ~= ''
  if REPEATED and given == '' then since = now - tonumber(again) - RECALL_MARGIN_MS end
end

-- Numbers as text: plain concatenation would round those of more than 14 digits.
local function int(number)
  return string.format('%.0f', number)
end

-- Wakes the process whose bell this is; false when it is surely dead.
local function ring(bell)
  local heard = call('PUBLISH', string.sub(STATE, 1, -6) .. 'bell:' .. bell, '')
  return CLUSTERED or heard > 0
end

-- Adds an entry to the stream, which ends with the event of this number: its fields are type -> agent NUL data
-- NUL subject; steps says whose events they are, in order: <op>=<how many> ...; reply is the answer to be kept.
local function add_entry(entry, number, steps, reply)
  if steps ~= '' then entry[#entry + 1], entry[#entry + 2] = 'o', steps end
  if reply then entry[#entry + 1], entry[#entry + 2] = 'r', reply end
  call('XADD', EVENTS, 'MAXLEN', '~', EVENTS_KEPT, int(now) .. '-' .. int(number), unpack(entry))
  dirty = true
end

-- Ends the call.
local function save_state()
  if not dirty then return end
  call('SET', STATE, struct.pack(STATE_FORMAT, version, now, fence, event, followers, departed_at, lock_floor,
    lock_waiters, lock_seq, task_floor, task_waiters, task_links, task_seq, messages, run))
end

-- Whether no call of the usual kind has to look further: nothing to remember, nobody to be told, nobody gone.
local PLAIN = not REPEATED and followers == 0 and now - departed_at >= DEPARTURE_MS
