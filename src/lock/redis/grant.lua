--[[ lock/grant: how leases begin, and are made longer.

NEEDS   lock/rows ]]

-- Begins a lease {path, holder, fence, mode, intent, ttl, at, due, also?, more?}; nothing that keeps it out is there.
local function grant_lease(lease)
  local path, fence = lease.path, int(lease.fence)
  add_on(path, lease)
  for _, alias in ipairs(lease.also or {}) do add_on(alias, { of = path, fence = lease.fence }) end
  call('ZADD', LOCK_DUE, int(lease.due), path .. '\0' .. fence)
  call('ZADD', HELD, 0, lease.holder .. '\0l' .. path .. '\0' .. fence)
  lock_floor = math.min(lock_floor, lease.due)
  emit('lock.acquired', path, lease.holder, granted_data(fence, lease.mode))
end

-- Extends a lease to a time from now; never shortens it.
local function extend(lease, ttl)
  lease.ttl, lease.due = ttl, math.max(lease.due, now + ttl)
  local entries = entries_on(lease.path)
  for _, entry in ipairs(entries) do
    if entry.fence == lease.fence and not entry.of then entry.ttl = ttl end
  end
  keep_on(lease.path, entries)
  call('ZADD', LOCK_DUE, int(lease.due), lease.path .. '\0' .. int(lease.fence))
  dirty = true
end
