--[[ task/paths: the paths that a task declares: what keeps it from them, and their leases, which begin, go on and end with
its claim. The protocol is in src/task/paths.ts.

NEEDS   task/rows, task/held_up, lock/end_leases, lock/grant
KEYS    task_held_up, task_starving
KEEPS   a claimed task has `locks` in its work, the paths of its leases: each has the fence and the instant of the claim ]]
-- The rest is local to this: a script has 200 locals at most.
local paths_of, obstacle, lock_paths, renew_paths, unlock_paths, sweep_held_up
do
  -- What the task declares: a list of {path, mode, aliases?}; false for one that declares none.
  function paths_of(task)
    -- In a JSON text the quotes of any other text are written with a backslash, and so are its line feeds.
    if task.paths ~= nil then return task.paths end
    task.paths = false
    if not string.find(task.spec, '"paths":', 1, true) then return false end
    local line = string.match(task.spec, '\n{?"paths":([^\n]*)')
    -- Behind it is the next member, or the end of the spec.
    local paths = line and cjson.decode(string.sub(line, 1, string.sub(line, -1) == ',' and -2 or -3)) or {}
    task.paths = #paths > 0 and paths
    return task.paths
  end

  local function names_wanted(wanted)
    return { wanted.path, unpack(wanted.aliases or {}) }
  end

  -- The first of these names that overlaps a name.
  local function overlapping(names, name)
    for _, one in ipairs(names) do
      if covers(one, name) or covers(name, one) then return one end
    end
  end

  -- A waiter for a lock that a claim of this name has to let go first.
  local function waiter_before(name, mode)
    for _, waiter in ipairs(waiters_on({ name })) do
      if has_precedence(waiter) and modes_conflict(waiter.mode, mode) then return waiter end
    end
  end

  -- A starving task before this one whose paths overlap these.
  local function starving_before(task, paths)
    if task_held_up == 0 then return end
    local starving = call('ZRANGE', TASK_STARVING, 0, -1, 'WITHSCORES')
    for i = 1, #starving, 2 do
      local is_before = tonumber(starving[i + 1]) < rank_of(task.priority, task.seq)
      for _, other in ipairs(is_before and paths_of(find(starving[i])) or {}) do
        for _, wanted in ipairs(paths) do
          local conflicts = modes_conflict(other.mode, wanted.mode)
          if conflicts and overlapping(names_wanted(other), wanted.path) then return starving[i] end
        end
      end
    end
  end

  -- What keeps the task from these paths, as task/held_up calls it: a kind and a name, and whether a claim is behind it.
  -- Nothing when they are free.
  function obstacle(task, paths)
    for _, wanted in ipairs(paths) do
      local function keeps_out(lease)
        return modes_conflict(lease.mode, wanted.mode)
      end
      local function harmless(record)
        return wanted.mode == 'shared' and not string.find(record, '"of":', 1, true) and
          not string.find(record, '"mode":"exclusive"', 1, true)
      end
      for _, name in ipairs(names_wanted(wanted)) do
        local lease = first_overlapping(name, keeps_out, harmless)
        if lease then
          local kept_on = overlapping({ lease.path, unpack(lease.also or {}) }, name)
          return lease.mode == 'exclusive' and 'x' or 's', kept_on, task_of(lease) ~= nil
        end
        local ahead = lock_waiters > 0 and waiter_before(name, wanted.mode)
        if ahead and not ahead.called then
          -- It is called, as by others who ask for the path: one that is dead drops out.
          call_waiters({ name })
          ahead = waiter_before(name, wanted.mode)
        end
        if ahead then return 'q', overlapping(ahead.paths, name), false end
      end
    end
    local starving = starving_before(task, paths)
    if starving then return 'r', starving, true end
  end

  -- Begins the leases of a task that is being claimed; its paths are free.
  function lock_paths(task, paths)
    local work, title = task.work, string.match(task.spec, '^[^\n]*\n([^\n]*),\n')
    local intent, locks = cjson.decode('[' .. title .. ']')[1], {}
    for i, wanted in ipairs(paths) do
      grant_lease({ path = wanted.path, holder = work.worker, fence = work.fence, mode = wanted.mode, intent = intent,
        ttl = work.lease, at = now, due = task.due, also = wanted.aliases, more = { task = task.id } })
      locks[i] = wanted.path
    end
    work.locks = locks
  end

  -- The leases of a claim that are there.
  local function leases_of(locks, work)
    local leases = {}
    for _, path in ipairs(locks) do leases[#leases + 1] = lease_at(path .. '\0' .. int(work.fence)) end
    return leases
  end

  -- Extends the leases of a claim that was renewed.
  function renew_paths(locks, work)
    for _, lease in ipairs(leases_of(locks, work)) do extend(lease, work.lease) end
  end

  -- Ends the leases of a claim that has ended.
  function unlock_paths(locks, work)
    local type = work.outcome == 'expired' and 'lock.expired' or 'lock.released'
    end_leases(leases_of(locks, work), type, work.worker)
  end

  -- Lets in whom a waiter held up that is silent now, or was called and did not come: no other operation tells of that.
  local function let_in_behind_silent()
    local from = '[q\0'
    for _ = 1, 2 do
      local member = call('ZRANGEBYLEX', TASK_HELD_UP, from, '(q\1', 'LIMIT', 0, 1)[1]
      if not member then return end
      local name = string.match(member, '^q%z(%Z*)')
      local ahead = false
      for _, waiter in ipairs(waiters_on({ name })) do ahead = ahead or has_precedence(waiter) end
      if not ahead then let_in_all('q', name) end
      from = '[q\0' .. name .. '\1'
    end
  end

  -- Lets in whom time alone has freed, or more of many. Answers whether there may be others.
  function sweep_held_up()
    if task_held_up == 0 then return false end
    sweep_expired()
    let_in_behind_silent()
    return let_more_in() or now >= lock_floor
  end
end
