--[[ lock/held: what one agent holds of locks, each as path NUL fence; agents put it together with what other rooms have.
How all of it is released is in lock/end_leases.

NEEDS   engine/held
LOCKS, LOCK_DUE  see lock/rows ]]

local function count_leases(name)
  return count_in_set(name, 'l', LOCK_DUE)
end

-- The lengths of these leases, by their places, but for those of claimed tasks: they are renewed with these.
local function lease_lengths(leases)
  local paths, fences, lengths = {}, {}, {}
  for i, member in ipairs(leases) do paths[i], fences[i] = string.match(member, '^(.*)%z(%d+)$') end
  for i, kept in ipairs(paths[1] and call('HMGET', LOCKS, unpack(paths)) or {}) do
    for _, lease in ipairs(kept and cjson.decode(kept) or {}) do
      local is_of_task = lease.more and lease.more.task
      if int(lease.fence) == fences[i] and not is_of_task then lengths[i] = lease.ttl end
    end
  end
  return lengths
end

-- Renews the live ones of these leases.
local function renew_leases(leases)
  renew_in_set(LOCK_DUE, leases, lease_lengths(leases))
end

-- Renews the live ones of these leases, which are of claimed tasks, by these lengths.
local function renew_leases_by(leases, lengths)
  renew_in_set(LOCK_DUE, leases, lengths)
end

-- Adds to a list those of these leases that lapse soon.
local function add_lapsing_leases(lapsing, leases)
  add_lapsing(lapsing, 'lock', LOCK_DUE, leases, lease_lengths(leases), function(member)
    return string.match(member, '^(.*)%z%d+$')
  end)
end
