--[[ engine/state: what every script begins with: the clock, the counters, and the event stream.

KEYS    state, events, listeners, agents, seen, held, locks, lock_due, tasks, task_order
RULES   engine/numbers: SINCE_MS
RULES   event/model: EVENTS_KEPT
ARGV    1 "" when nothing is going to be written
        2 the server's run id as the client learned it on this connection, "" where it cannot know; or
        now|since|try|run|memory: the time to work with (tests only, else empty), and for a call of which an earlier try may
        have been executed: when the first try was made, by the server's clock, 0 where that is not known; which try this is;
        and the memory that the client expects, if it expects one; with a ? behind it where another will do
        the rest is read by engine/begin, or engine/batch
EVENTS  a stream; an entry holds what an operation did, or a few: a few events at most. Its id is <instant>-<number of
        its last event>; its fields are those of its events, then o -> whose they are, and r -> the answer kept
STATE   one string: what nearly every operation reads and writes costs it one GET and one SET. The version of the data comes
        first, for ever; then two identifiers and numbers. A number that a later program adds comes last and is
        given no other meaning at 0 than that nothing is known of it: an older state, which is shorter, reads as 0
        there, and an older program leaves what it does not know as it was
LISTENERS  topic -> wakers, see engine/operation; and RETRIED -> " op=try" of each call that was made again lately;
        " restored" -> the instant at which the numbers last left a gap, and " emptied" where nothing was left of the namespace
KEEPS   the clock never steps backwards, and never stands still: when the server's clock was set back, it goes on from
        where it was; a fence, and an event's number, is never handed out twice, not even by a server that has lost
        the newest writes or all of them: a namespace without memory, and one that another server or another
        primary answers for, goes on above all numbers before, see server_changed; and has another memory from
        then on. A call that expects another one, also one that only reads, does nothing: MEMORY <its memory> ]]
local call = redis.call
local ARGV = ARGV
local WRITES = ARGV[1] ~= ''
local HUGE = math.huge
-- An agent that acts within this long after anybody has left may be the one: a sign of life is implied once a
-- second, and a call may be on its way for as long as it is tried.
local DEPARTURE_MS = 10000
local STATE_FORMAT, STATE_BYTES = '>dc40c40ddddddddddddddddd', 224
local UNKNOWN = '0000000000000000000000000000000000000000'

local version, now, last_fence, last_event, followers, departed_at = SCHEMA, 0, 0, 0, 0, 0
local lock_floor, lock_waiters, lock_seq = HUGE, 0, 0
local task_floor, task_waiters, task_links, task_seq, task_held_up, messages = HUGE, 0, 0, 0, 0, 0
-- The server's clock at the last write; until when calls are looked up in RETRIED; who wrote last: the server's
-- run id, and the id of its history of writes.
local wall, retried_until, run, history = 0, 0, UNKNOWN, UNKNOWN
-- The server's clock, in microseconds, when the namespace was made, or its numbers last left a gap: where it remembers
-- everything from then on. And whether this call expects another one.
local memory, refused = 0, false
-- What a later program has added to the state.
local added = ''
local dirty = false
local is_retry, since = false, 0
-- The number of the event about a gap in this call, until it is written; and what has led to the gap.
local gap_event, gap_cause

-- A memory that there was not before, also where the clock was set back.
local function next_memory(before)
  local time = call('TIME')
  return math.max(time[1] * 1000000 + time[2], before + 1)
end

-- What only this uses is local to it: a script has 200 locals at most.
do
  -- Where a namespace without memory starts to count, as src/engine/numbers.ts: seconds since 2025 x 65536; here by the
  -- microsecond, so that a server that is emptied and written to again at once does not start where it did before.
  local NUMBERS_A_MICRO = 0.065536
  -- For a server whose clock is behind the numbers: more than one hands out while its replicas may be behind.
  local GAP = 65536
  local QUIET_MS = 5
  -- The server goes on receiving what a closed socket had left to send for about this long (tcp_orphan_retries), and
  -- a relay between may hold it as long.
  local RETRIED_MS = 120000
  local RETRIED, RETRIED_BYTES = ' retried', 65536
  local REPLAY_MARGIN_MS = 2000

  --[[ Whether the numbers have to leave a gap: the last write may have come from another server, or from a time before this
  one was demoted and promoted again, and what was handed out meanwhile may be lost. A primary's history has a new id
  (master_replid) after each start and each promotion; to ask for it costs a tenth of an operation, so it is asked for only when
  it may be another: when the client's server is not the one that wrote last, or when nothing was written for QUIET_MS.
  That is enough. Another server's write that has come here names that server. And one that has not come here was made
  while this server was demoted, or cut off to be demoted: then it took no writes itself, for longer than QUIET_MS, because a
  promotion has to be noticed, decided and made known. In a cluster, whose clients cannot know which server is going
  to answer, the second reason alone stands: nobody is promoted there before the primary was silent for a node
  timeout, or else has handed everything over. ]]
  local function server_changed(running)
    local info = redis.pcall('INFO', 'replication')
    local id = type(info) == 'string' and string.match(info, 'master_replid:(' .. string.rep('%x', 40) .. ')') or ''
    local changed = false
    if id ~= '' and id ~= history then history, changed = id, true end
    if running ~= run then run, changed = running, true end
    return changed
  end

  local raw = call('GET', STATE)
  if raw then
    if #raw ~= STATE_BYTES then
      raw, added = raw .. string.rep('\0', STATE_BYTES - #raw), string.sub(raw, STATE_BYTES + 1)
    end
    version, run, history, now, last_fence, last_event, followers, departed_at, lock_floor, lock_waiters, lock_seq, task_floor,
      task_waiters, task_links, task_seq, messages, wall, retried_until, memory, task_held_up = struct.unpack(STATE_FORMAT, raw)
    if version ~= SCHEMA then return redis.error_reply('SCHEMA ' .. version) end
  end
  local given, first_made, try, running, expected, any = '', '', '', ARGV[2], '', ''
  if running ~= '' and #running ~= 40 then
    given, first_made, try, running, expected, any = string.match(running, '^(%d*)|(%d*)|(%d*)|([^|]*)|?(%d*)(%??)$')
  end
  if running == '' then running = run end
  local micros
  if given ~= '' then
    micros = given * 1000
  else
    local time = call('TIME')
    micros = time[1] * 1000000 + time[2]
  end
  local time = math.floor(micros / 1000)
  local quiet = time < wall or time - wall >= QUIET_MS
  if time > wall then
    now = now + time - wall
  elseif time < wall and WRITES then
    -- From here on what passes is counted from the new time.
    dirty = true
  end
  wall, CLOCK = time, now
  local looks = WRITES or raw and expected ~= ''
  if looks and (quiet or running ~= run) and (server_changed(running) or not raw) then
    local start = math.floor((micros - SINCE_MS * 1000) * NUMBERS_A_MICRO)
    local gap = raw and GAP or 0
    last_fence, last_event = start > last_fence and start or last_fence + gap, start > last_event and start or last_event + gap
    -- A namespace that is new has lost nothing, unless somebody remembers it. The event comes before those of the operation.
    gap_cause = raw and 'server' or tonumber(expected ~= '' and expected or 0) > 0 and 'emptied'
    if gap_cause then last_event, gap_event = last_event + 1, last_event + 1 end
    memory = next_memory(memory)
    dirty = true
  end
  refused = expected ~= '' and any == '' and tonumber(expected) ~= memory
  is_retry = WRITES and try ~= '' and not refused
  if is_retry and tonumber(first_made) > 0 then since = now - (time - first_made) - REPLAY_MARGIN_MS end
  -- A try that arrives after a later one of the same call must do nothing: that one has been answered.
  local tries = WRITES and not refused and (is_retry or now < retried_until) and
    now < retried_until and call('HGET', LISTENERS, RETRIED) or ''
  if tries ~= '' then
    local from, mine = 1, is_retry and tonumber(try) or 0
    local name = ' ' .. ARGV[1] .. '='
    while true do
      local _, last = string.find(tries, name, from, true)
      if not last then break end
      if tonumber(string.match(tries, '^%d+', last + 1)) > mine then
        return redis.error_reply('LATE this call has been made again since')
      end
      from = last
    end
  end
  if is_retry then
    if #tries > RETRIED_BYTES then tries = string.match(tries, ' .*', RETRIED_BYTES / 2) end
    -- A server whose memory is full refuses this only in scripts that do not free, and then refuses what they write,
    -- too. One that frees is made again in its text for a full server, which has written something before.
    redis.pcall('HSET', LISTENERS, RETRIED, tries .. ' ' .. ARGV[1] .. '=' .. try)
    retried_until, dirty = now + RETRIED_MS, true
  end
end

-- Numbers as text: plain concatenation would round those of more than 14 digits.
local function int(number)
  return string.format('%.0f', number)
end

-- Wakes the process of this waker; false when it is surely dead.
local function wake(waker)
  local heard = call('PUBLISH', string.sub(STATE, 1, -6) .. 'wake:' .. waker, '')
  return CLUSTERED or heard > 0
end

-- The data of an event about one lease, as JSON; more is JSON to add, or nil.
local function fence_data(fence, more)
  return '{"fence":' .. fence .. (more and ',' .. more or '') .. '}'
end

-- An event as it stands in the stream, behind its type; agent and data (JSON) may be nil.
local function event_text(subject, agent, data)
  return (agent or '') .. '\0' .. (data or '') .. '\0' .. subject
end

-- Adds an entry to the stream, which ends with the event of this number: its fields are type -> agent NUL data
-- NUL subject; owners says which operations' events they are, in order: <op>=<how many> ...; reply is the answer to be kept.
local function add_entry(entry, number, owners, reply)
  if owners ~= '' then entry[#entry + 1], entry[#entry + 2] = 'o', owners end
  if reply then entry[#entry + 1], entry[#entry + 2] = 'r', reply end
  call('XADD', EVENTS, 'MAXLEN', '~', EVENTS_KEPT, string.format('%d-%d', now, number), unpack(entry))
  dirty = true
end

-- Emits that the state may have lost its newest changes with the server that had them. It belongs to no call: the
-- entries of each lie together. Only where there is a gap: a script pays for every function that it defines.
local emit_gap = gap_event and function()
  add_entry({ 'store.restored', '\0{"cause":"' .. gap_cause .. '"}\0store' }, gap_event, '')
  -- Who reads an instant alone takes it for a restart.
  call('HSET', LISTENERS, ' restored', int(now) .. (gap_cause == 'server' and '' or ' ' .. gap_cause))
  gap_event = nil
end

-- Ends the call.
local function save_state()
  if gap_event then emit_gap() end
  if not dirty then return end
  call('SET', STATE, struct.pack(STATE_FORMAT, version, run, history, now, last_fence, last_event, followers, departed_at,
    lock_floor, lock_waiters, lock_seq, task_floor, task_waiters, task_links, task_seq, messages, wall, retried_until,
    memory, task_held_up) .. added)
end

-- Whether a fast path may be taken: this is no retry, nobody follows the events, and nobody has left lately.
local FAST_PATH = not gap_event and not refused and not is_retry and followers == 0 and now - departed_at >= DEPARTURE_MS
