--[[ lock/rows: leases as they are kept, and which of them one path concerns; part of every lock script; needs
lock/names.

KEYS       lock_paths, lock_waiters, lock_line
LOCKS      path -> JSON list of {holder, fence, mode, intent, ttl, at}, of every lease not yet swept
LOCK_DUE   path NUL fence -> the instant at which that lease lapses; one that has counts for nothing
LOCK_PATHS the paths in LOCKS, by name
HELD       holder NUL l path NUL fence, by name ]]

-- Everything kept on a path, given what LOCKS holds for it.
local function leases_in(path, record)
  if not record then return {} end
  local leases = cjson.decode(record)
  for _, lease in ipairs(leases) do
    lease.path = path
    lease.due = tonumber(call('ZSCORE', LOCK_DUE, path .. '\0' .. int(lease.fence)))
  end
  return leases
end

local function live_in(path, record)
  local live = {}
  for _, lease in ipairs(leases_in(path, record)) do
    if lease.due > now then live[#live + 1] = lease end
  end
  return live
end

local function live_on(path)
  return live_in(path, call('HGET', LOCKS, path))
end

-- What everybody sees of a lease.
local function shown(lease)
  return {
    path = lease.path,
    mode = lease.mode,
    holder = lease.holder,
    fence = lease.fence,
    intent = lease.intent,
    acquiredAtMs = lease.at,
    expiresAtMs = lease.due,
  }
end

local function show_all(leases)
  local all = {}
  for i, lease in ipairs(leases) do all[i] = shown(lease) end
  return list(all)
end

-- Writes what is kept on a path from now on.
local function keep_on(path, leases)
  if #leases == 0 then
    call('HDEL', LOCKS, path)
    call('ZREM', LOCK_PATHS, path)
    return
  end
  local kept = {}
  for i, lease in ipairs(leases) do
    kept[i] = {
      holder = lease.holder,
      fence = lease.fence,
      mode = lease.mode,
      intent = lease.intent,
      ttl = lease.ttl,
      at = lease.at,
    }
  end
  call('HSET', LOCKS, path, cjson.encode(kept))
end

local function covers(a, b)
  if a == b then return true end
  if a == '.' then return string.sub(b, 1, 1) ~= '/' end
  if a == '/' then return string.sub(b, 1, 1) == '/' end
  return string.sub(b, 1, #a + 1) == a .. '/'
end

local function modes_conflict(a, b)
  return a == 'exclusive' or b == 'exclusive'
end

-- The members of a set sorted by name that begin with a path below this one; for the tops, of others too.
local function members_below(set, path)
  if path == '.' then return call('ZRANGEBYLEX', set, '-', '+') end
  local start = path == '/' and '' or path
  return call('ZRANGEBYLEX', set, '[' .. start .. '/', '(' .. start .. '0')
end

-- The live leases that cover this path: its own, then those above it, the nearest first.
local function live_over(path)
  local names, found = names_over(path), {}
  for i, record in ipairs(call('HMGET', LOCKS, unpack(names))) do
    for _, lease in ipairs(live_in(names[i], record)) do found[#found + 1] = lease end
  end
  return found
end

-- The live leases that conflict with this path: those that cover it, then those below it by name.
local function overlapping(path)
  local found = live_over(path)
  for _, name in ipairs(members_below(LOCK_PATHS, path)) do
    if name ~= path and covers(path, name) then
      for _, lease in ipairs(live_on(name)) do found[#found + 1] = lease end
    end
  end
  return found
end
