--[[ lock/acquire: grants every path, or none and queues the waiter if there is one.

NEEDS   lock/selection, lock/end_leases, lock/grant
FAST    lock/acquire_fast
KEYS    lock_wait_queue
ARGV    5 ttl_ms, 6 mode, 7 intent, 8 1 to renew what the actor holds already, 9 waiter's id or "", 10 its waker,
        11.. paths, each with its other names behind it
RETURN  {"kind":"acquired","leases":[…]} | {"kind":"held","blocker":…,"nowMs":…,"retryInMs":…}
KEEPS   nothing is granted unless everything is; paths granted together share one new fence. ]]
local ttl, mode, intent, reentrant = tonumber(ARGV[5]), ARGV[6], ARGV[7], ARGV[8] == '1'
local waiter_id, waker = ARGV[9], ARGV[10]
local paths, all_names = {}, {}
for i = 11, #ARGV do
  local names = names_of(ARGV[i])
  paths[#paths + 1] = names
  for _, name in ipairs(names) do all_names[#all_names + 1] = name end
end

local function keeps_out(lease)
  local own = lease.holder == ACTOR
  -- One's own shared lease cannot quietly become an exclusive one: other readers may be inside.
  local renews = own and reentrant and (lease.mode == 'exclusive' or mode == 'shared')
  return not renews and (own or modes_conflict(lease.mode, mode))
end

-- Whether no lease in this record can keep the request out, as far as the text shows.
local function harmless(record)
  if string.find(record, '"of":', 1, true) then return false end
  local all_shared = not string.find(record, '"mode":"exclusive"', 1, true)
  local with_own = string.find(record, '"holder":"' .. ACTOR .. '"', 1, true)
  if not with_own then return mode == 'shared' and all_shared end
  return reentrant and not string.find(record, '},{', 1, true) and (mode == 'shared' or not all_shared)
end

local function blocking_lease()
  for _, names in ipairs(paths) do
    for _, name in ipairs(names) do
      local lease = first_overlapping(name, keeps_out, harmless)
      if lease then return lease, names[1] end
    end
  end
end

local function blocking_waiter(before)
  if lock_waiters == 0 then return end
  for _, names in ipairs(paths) do
    for _, name in ipairs(names) do
      for _, waiter in ipairs(waiters_on({ name })) do
        if waiter.seq < before and has_precedence(waiter) and modes_conflict(waiter.mode, mode) then
          return waiter, names[1]
        end
      end
    end
  end
end

local function grant()
  local leases, fence = {}, nil
  for i, names in ipairs(paths) do
    local lease = reentrant and own_leases(names, '', true)[1]
    if lease then
      -- That of a task is renewed with it.
      if not task_of(lease) then extend(lease, ttl) end
    else
      if not fence then last_fence = last_fence + 1 end
      fence = last_fence
      lease = { path = names[1], holder = ACTOR, fence = fence, mode = mode, intent = intent, ttl = ttl, at = now,
        due = now + ttl, also = names[2] and { unpack(names, 2) } }
      grant_lease(lease)
    end
    leases[i] = lease
  end
  -- Other readers that queued behind the same writer may come in together.
  if mode == 'shared' then call_waiters(all_names) end
  return leases
end

local function enqueue(place)
  if place then
    place.seen, place.called, place.waker = now, nil, waker
  else
    lock_seq, lock_waiters = lock_seq + 1, lock_waiters + 1
    place = { seq = lock_seq, id = waiter_id, agent = ACTOR, mode = mode, paths = all_names, waker = waker, seen = now }
    for _, name in ipairs(all_names) do call('ZADD', LOCK_WAIT_QUEUE, 0, place_of(place, name)) end
  end
  save_waiter(place)
end

local function held(blocker, retry_ms)
  return finish('{"kind":"held","blocker":' .. blocker .. ',"nowMs":' .. int(now) .. ',"retryInMs":' .. int(retry_ms) .. '}')
end

-- Granted by the earlier try: whoever holds a path for another reason is refused again.
local granted = false
for _, item in ipairs(is_retry and replay() or {}) do granted = granted or item[1] == 'lock.acquired' end
if granted then
  local leases = {}
  for _, names in ipairs(paths) do
    for _, lease in ipairs(own_leases(names, '', true)) do leases[#leases + 1] = lease end
  end
  if #leases == #paths then return finish('{"kind":"acquired","leases":' .. show_all(leases) .. '}') end
end

sweep_expired()
wake_waiters()
local place = waiter_id ~= '' and find_waiter(waiter_id) or nil
local lease, asked = blocking_lease()
if lease then
  if waiter_id ~= '' then enqueue(place) end
  return held('{"kind":"lease","lease":' .. shown(lease) .. ',"asked":' .. cjson.encode(asked) .. '}', lease.due - now)
end
local before = place and place.seq or HUGE
local ahead, path = blocking_waiter(before)
-- Nothing keeps that waiter out, so it is called: a frozen one must not block others without having been asked, nor a dead
-- one at all.
if ahead and not ahead.called then
  call_waiters(all_names)
  ahead, path = blocking_waiter(before)
end
if ahead then
  if waiter_id ~= '' then enqueue(place) end
  return held(cjson.encode({ kind = 'waiter', path = path, holder = ahead.agent }), CALL_MS)
end
if place then remove_waiter(place) end
local granted_now = show_all(grant())
wake_waiters()
return finish('{"kind":"acquired","leases":' .. granted_now .. '}')
