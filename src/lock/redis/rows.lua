--[[ lock/rows: leases as they are kept, and which of them one path concerns; part of every lock script.

NEEDS   lock/names, lock/format
KEYS    lock_paths
LOCKS      path -> JSON list of {mode, holder, fence, intent, ttl, at, also?, more?}, of every lease not yet swept; also
           has its other names, each of which has {of: its path, fence} here; more is an object of
           texts and numbers, to which a later program may add: task, the identifier of the task whose claim took it
LOCK_DUE   path NUL fence -> the instant at which that lease lapses; one that has counts for nothing
LOCK_PATHS the names in LOCKS, in order
HELD       holder NUL l path NUL fence, by name ]]
-- The rest is local to this: a script has 200 locals at most.
local entries_on, leases_in, live_in, live_on, names_of, task_of, shown, show_all, keep_on, add_on, take_off,
  covers, modes_conflict, below, live_over, first_overlapping
do
  local function entries_of(record)
    return record and cjson.decode(record) or {}
  end

  function entries_on(name)
    return entries_of(call('HGET', LOCKS, name))
  end

  -- The leases kept on a name, which may be an alias, given what LOCKS holds for it.
  function leases_in(name, record)
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

  function live_in(name, record)
    local live = {}
    for _, lease in ipairs(leases_in(name, record)) do
      if lease.due > now then live[#live + 1] = lease end
    end
    return live
  end

  function live_on(name)
    return live_in(name, call('HGET', LOCKS, name))
  end

  -- A path and its other names, as callers give them: with NUL between them.
  function names_of(given)
    local names = {}
    for name in string.gmatch(given, '%Z+') do names[#names + 1] = name end
    return names
  end

  -- The task whose claim took the lease, if one did.
  function task_of(lease)
    return lease.more and lease.more.task
  end

  -- What everybody sees of a lease {path, mode, holder, fence, intent, ttl, at, due, also?, more?}.
  function shown(lease)
    local fields = lease_fields(lease.mode, lease.holder, int(lease.fence), cjson.encode(lease.intent))
    return lease_shown(lease.path, fields, int(lease.at), int(lease.due), task_of(lease))
  end

  -- An entry as it is kept, with its fence exact.
  local function kept(entry)
    if entry.of then return '{"of":' .. cjson.encode(entry.of) .. ',"fence":' .. int(entry.fence) .. '}' end
    local fields = lease_fields(entry.mode, entry.holder, int(entry.fence), cjson.encode(entry.intent))
    local also = entry.also and ',"also":' .. cjson.encode(entry.also) or ''
    local more = entry.more and ',"more":' .. cjson.encode(entry.more) or ''
    return lease_record(fields, int(entry.ttl), int(entry.at), also .. more)
  end

  function show_all(leases)
    local all = {}
    for i, lease in ipairs(leases) do all[i] = shown(lease) end
    return '[' .. table.concat(all, ',') .. ']'
  end

  -- Writes what is kept on a name from now on.
  function keep_on(name, entries)
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
  function add_on(name, entry)
    local entries = entries_on(name)
    entries[#entries + 1] = entry
    keep_on(name, entries)
    call('ZADD', LOCK_PATHS, 0, name)
  end

  -- Takes what belongs to a lease off one of its names.
  function take_off(name, lease)
    local kept = {}
    for _, entry in ipairs(entries_on(name)) do
      if entry.fence ~= lease.fence or (entry.of or name) ~= lease.path then kept[#kept + 1] = entry end
    end
    keep_on(name, kept)
  end

  function covers(a, b)
    if a == b then return true end
    if a == '.' then return string.sub(b, 1, 1) ~= '/' end
    if a == '/' then return string.sub(b, 1, 1) == '/' end
    return string.sub(b, 1, #a + 1) == a .. '/'
  end

  function modes_conflict(a, b)
    return a == 'exclusive' or b == 'exclusive'
  end

  -- The range of a set sorted by name that holds what begins with a path below this one; for the tops, others too.
  function below(path)
    if path == '.' then return '-', '+' end
    local start = path == '/' and '' or path
    return '[' .. start .. '/', '(' .. start .. '0'
  end

  -- The live leases that cover this path: its own, then those above it, the nearest first.
  function live_over(path)
    local names, found = names_over(path), {}
    for i, record in ipairs(call('HMGET', LOCKS, unpack(names))) do
      for _, lease in ipairs(live_in(names[i], record)) do found[#found + 1] = lease end
    end
    return found
  end

  -- The first live lease on these names that keeps the request out; records is what LOCKS holds for them. Of very
  -- many most need not be parsed: `harmless` knows a record whose leases keep nobody out, and lapsed ones are known by
  -- their instants. A quote within an intent is written with a backslash, so plain searches find fields only.
  local function first_among(names, records, keeps_out, harmless)
    local places, members = {}, {}
    for i, record in ipairs(records) do
      if record and not harmless(record) then
        local single = not string.find(record, '"of":', 1, true) and not string.find(record, '},{', 1, true)
        places[#places + 1] = i
        -- A lease of several, or one that is kept elsewhere, is looked at by itself: this member is in no set.
        members[#members + 1] = single and names[i] .. '\0' .. string.match(record, '"fence":(%d+)') or ''
      end
    end
    if #places == 0 then return end
    for i, due in ipairs(call('ZMSCORE', LOCK_DUE, unpack(members))) do
      local name = names[places[i]]
      if members[i] == '' or tonumber(due) > now then
        for _, lease in ipairs(live_in(name, records[places[i]])) do
          if keeps_out(lease) then return lease end
        end
      end
    end
  end

  -- The first live lease that keeps a request for this path out: of those that cover it, then of those below it
  -- by name. Few are read at first, because mostly the first one does.
  function first_overlapping(path, keeps_out, harmless)
    for _, lease in ipairs(live_over(path)) do
      if keeps_out(lease) then return lease end
    end
    local from, to = below(path)
    local size = 16
    while true do
      local names = call('ZRANGEBYLEX', LOCK_PATHS, from, to, 'LIMIT', 0, size)
      if #names == 0 then return end
      local records = call('HMGET', LOCKS, unpack(names))
      for i, name in ipairs(names) do
        if name == path or not covers(path, name) then records[i] = false end
      end
      local lease = first_among(names, records, keeps_out, harmless)
      if lease or #names < size then return lease end
      from, size = '(' .. names[#names], math.min(size * 2, 1024)
    end
  end
end
