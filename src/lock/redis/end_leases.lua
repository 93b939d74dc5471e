--[[ lock/end_leases: how leases end: released, expired, broken, or all at once when their holder leaves.
In every case the waiters that they kept out are called, and the tasks that they held up are let in.

NEEDS   lock/wait_queue
RULES   lock/model: LOCKS_EXPIRED_AT_ONCE ]]

-- Ends these leases, without events where there is no type; more is JSON to add to their events' data, or nil.
local function end_leases(leases, type, by, more)
  if #leases == 0 then return end
  local paths = {}
  for _, lease in ipairs(leases) do
    local path, fence = lease.path, int(lease.fence)
    take_off(path, lease)
    for _, alias in ipairs(lease.also or {}) do
      take_off(alias, lease)
      paths[#paths + 1] = alias
    end
    call('ZREM', LOCK_DUE, path .. '\0' .. fence)
    call('ZREM', HELD, lease.holder .. '\0l' .. path .. '\0' .. fence)
    if type then emit(type, path, by, fence_data(fence, more)) end
    paths[#paths + 1] = path
  end
  call_waiters(paths)
  for _, path in ipairs(paths) do let_in_after(path) end
end

local function lease_at(member)
  local path, fence = string.match(member, '^(%Z*)%z(%d+)$')
  for _, lease in ipairs(leases_in(path, call('HGET', LOCKS, path))) do
    if int(lease.fence) == fence and lease.path == path then return lease end
  end
end

-- Ends leases that have lapsed, oldest first, a bounded number per operation.
local function sweep_expired()
  if now < lock_floor then return end
  for _, member in ipairs(call('ZRANGEBYSCORE', LOCK_DUE, '-inf', int(now), 'LIMIT', 0, LOCKS_EXPIRED_AT_ONCE)) do
    local lease = lease_at(member)
    end_leases({ lease }, 'lock.expired', lease.holder)
  end
  local first = call('ZRANGE', LOCK_DUE, 0, 0, 'WITHSCORES')
  lock_floor, dirty = tonumber(first[2] or HUGE), true
end

-- The live ones of these leases, each path NUL fence.
local function live_leases(members)
  local leases = {}
  for _, member in ipairs(members) do
    local lease = lease_at(member)
    if lease.due > now then leases[#leases + 1] = lease end
  end
  return leases
end

-- Ends the live ones of these leases, which one agent holds, but for those of its tasks; returns them.
local function release_leases(holder, members)
  local leases = {}
  for _, lease in ipairs(live_leases(members)) do
    if not task_of(lease) then leases[#leases + 1] = lease end
  end
  end_leases(leases, 'lock.released', holder)
  return leases
end
