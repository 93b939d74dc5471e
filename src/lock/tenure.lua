--[[ lock/tenure: which leases a caller means, and making them longer; needs lock/rows. ]]

-- Extends a lease to a time from now; never shortens it.
local function extend(lease, ttl)
  lease.ttl, lease.due = ttl, math.max(lease.due, now + ttl)
  local leases = leases_in(lease.path, call('HGET', LOCKS, lease.path))
  for _, other in ipairs(leases) do
    if other.fence == lease.fence then other.ttl = ttl end
  end
  keep_on(lease.path, leases)
  call('ZADD', LOCK_DUE, int(lease.due), lease.path .. '\0' .. int(lease.fence))
  dirty = true
end

-- The actor's live leases on these paths, under this fence unless it is '', and where it has none such.
local function select_leases(paths, tenure)
  local held, lost = {}, {}
  for _, path in ipairs(paths) do
    local here, mine = live_on(path), 0
    for _, lease in ipairs(here) do
      if lease.holder == ACTOR and (tenure == '' or int(lease.fence) == tenure) then
        held[#held + 1] = lease
        mine = mine + 1
      end
    end
    if mine == 0 then
      local covering
      for _, lease in ipairs(live_over(path)) do
        if not covering and lease.path ~= path and lease.holder == ACTOR then covering = shown(lease) end
      end
      lost[#lost + 1] = { path = path, current = here[1] and shown(here[1]), covering = covering }
    end
  end
  return held, lost
end
