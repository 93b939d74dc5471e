--[[ lock/rows: leases as they are kept, and which of them one path concerns; part of every lock script.

NEEDS   lock/names
KEYS    lock_paths
LOCKS      path -> JSON list of {holder, fence, mode, intent, ttl, at, also?}, of every lease not yet swept; also has
           its other names, each of which has {of: its path, fence} here
LOCK_DUE   path NUL fence -> the instant at which that lease lapses; one that has counts for nothing
LOCK_PATHS the names in LOCKS, in order
HELD       holder NUL l path NUL fence, by name ]]

local function entries_of(record)
  return record and cjson.decode(record) or {}
end

local function entries_on(name)
  return entries_of(call('HGET', LOCKS, name))
end

-- The leases kept on a name, which may be an alias, given what LOCKS holds for it.
local function leases_in(name, record)
  local leases = {}
  for _, entry in ipairs(entries_of(record)) do
    local lease = entry
    if entry.of then
      for _, other in ipairs(entries_on(entry.of)) do
        if other.fence == entry.fence and not other.of then lease = other end
      end
    end
    lease.path = entry.of or name
    lease.due = tonumber(call('ZSCORE', LOCK_DUE, lease.path .. '\0' .. int(lease.fence)))
    leases[#leases + 1] = lease
  end
  return leases
end

local function live_in(name, record)
  local live = {}
  for _, lease in ipairs(leases_in(name, record)) do
    if lease.due > now then live[#live + 1] = lease end
  end
  return live
end

local function live_on(name)
  return live_in(name, call('HGET', LOCKS, name))
end

-- A path and its other names, as callers give them: with NUL between them.
local function names_of(given)
  local names = {}
  for name in string.gmatch(given, '%Z+') do names[#names + 1] = name end
  return names
end

-- What everybody sees of a lease, as JSON: cjson would mix the order up, and round fences of more than 14 digits.
local function shown(lease)
  return '{"path":' .. cjson.encode(lease.path) .. ',"mode":"' .. lease.mode .. '","holder":"' .. lease.holder ..
    '","fence":' .. int(lease.fence) .. ',"intent":' .. cjson.encode(lease.intent) .. ',"acquiredAtMs":' ..
    int(lease.at) .. ',"expiresAtMs":' .. int(lease.due) .. '}'
end

local function show_all(leases)
  local all = {}
  for i, lease in ipairs(leases) do all[i] = shown(lease) end
  return '[' .. table.concat(all, ',') .. ']'
end

-- An entry as it is kept, with its fence exact.
local function kept(entry)
  local fence_of = '"fence":' .. int(entry.fence)
  if entry.of then return '{"of":' .. cjson.encode(entry.of) .. ',' .. fence_of .. '}' end
  local also = entry.also and ',"also":' .. cjson.encode(entry.also) or ''
  return '{"holder":"' .. entry.holder .. '",' .. fence_of .. ',"mode":"' .. entry.mode .. '","intent":' ..
    cjson.encode(entry.intent) .. ',"ttl":' .. int(entry.ttl) .. ',"at":' .. int(entry.at) .. also .. '}'
end

-- Writes what is kept on a name from now on.
local function keep_on(name, entries)
  if #entries == 0 then
    call('HDEL', LOCKS, name)
    call('ZREM', LOCK_PATHS, name)
  else
    local all = {}
    for i, entry in ipairs(entries) do all[i] = kept(entry) end
    call('HSET', LOCKS, name, '[' .. table.concat(all, ',') .. ']')
  end
end

-- Keeps one more entry on a name, at its end.
local function add_on(name, entry)
  local entries = entries_on(name)
  entries[#entries + 1] = entry
  keep_on(name, entries)
  call('ZADD', LOCK_PATHS, 0, name)
end

-- Takes what belongs to a lease off one of its names.
local function take_off(name, lease)
  local kept = {}
  for _, entry in ipairs(entries_on(name)) do
    if entry.fence ~= lease.fence or (entry.of or name) ~= lease.path then kept[#kept + 1] = entry end
  end
  keep_on(name, kept)
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
