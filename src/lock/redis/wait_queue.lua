--[[ lock/wait_queue: the waiters for locks, in the order they came.

NEEDS   lock/rows, task/held_up
KEYS    lock_waiters, lock_wait_queue
RULES   lock/model: CALL_MS, LOOKS_WITHIN_MS, SILENCE_MS, WAITERS_LOOKED_AT, WAITER_NAMES_LOOKED_AT
LOCK_WAITERS  waiter's id -> JSON {seq, id, agent, mode, paths, waker, seen, called?}; of one that was
              taken over from another store the waker is "" until its process has looked
LOCK_WAIT_QUEUE     path NUL seq NUL id, by name: who waits for each path, in the order they came
KEEPS         a request is granted when no live lease and no earlier live waiter conflicts with it. Whoever ends a
              lease calls the first waiters that it may free; one that does not come within CALL_MS, or was not
              seen for SILENCE_MS, stands in nobody's way. ]]
-- The rest is local to this: a script has 200 locals at most.
local find_waiter, place_of, save_waiter, remove_waiter, waiters_on, has_precedence, call_waiters
do
  function find_waiter(id)
    local record = call('HGET', LOCK_WAITERS, id)
    return record and cjson.decode(record)
  end

  function place_of(waiter, path)
    return path .. '\0' .. string.format('%016.0f', waiter.seq) .. '\0' .. waiter.id
  end

  function save_waiter(waiter)
    call('HSET', LOCK_WAITERS, waiter.id, cjson.encode(waiter))
    dirty = true
  end

  function remove_waiter(waiter)
    call('HDEL', LOCK_WAITERS, waiter.id)
    for _, path in ipairs(waiter.paths) do call('ZREM', LOCK_WAIT_QUEUE, place_of(waiter, path)) end
    lock_waiters, dirty = lock_waiters - 1, true
    let_in_behind(waiter.paths)
  end

  -- Adds to ids, by seq, those whom the path concerns; and their seqs to a list.
  local function collect_waiters(ids, seqs, path)
    local function add(member)
      local seq, id = string.match(member, '%z(%d+)%z(.*)$')
      seq = tonumber(seq)
      if not ids[seq] then ids[seq], seqs[#seqs + 1] = id, seq end
    end
    for _, name in ipairs(names_over(path)) do
      for _, member in ipairs(call('ZRANGEBYLEX', LOCK_WAIT_QUEUE, '[' .. name .. '\0', '(' .. name .. '\1',
        'LIMIT', 0, WAITERS_LOOKED_AT)) do
        add(member)
      end
    end
    local from, to = below(path)
    for _, member in ipairs(call('ZRANGEBYLEX', LOCK_WAIT_QUEUE, from, to, 'LIMIT', 0, WAITER_NAMES_LOOKED_AT)) do
      if covers(path, string.match(member, '^(%Z*)')) then add(member) end
    end
  end

  -- The first waiters that the paths concern, in the order they came.
  function waiters_on(paths)
    local ids, seqs, waiters, names = {}, {}, {}, 0
    for _, path in ipairs(paths) do collect_waiters(ids, seqs, path) end
    table.sort(seqs)
    for _, seq in ipairs(seqs) do
      if #waiters == WAITERS_LOOKED_AT or names > WAITER_NAMES_LOOKED_AT then break end
      local waiter = find_waiter(ids[seq])
      waiters[#waiters + 1], names = waiter, names + #waiter.paths
    end
    return waiters
  end

  -- Whether others have to wait behind this waiter now.
  function has_precedence(waiter)
    if now - waiter.seen > SILENCE_MS then return false end
    return not waiter.called or now - waiter.called <= CALL_MS
  end

  -- What waiters of each mode want: their names, and every name over these.
  local function nothing_wanted()
    return { exclusive = { names = {}, over = {} }, shared = { names = {}, over = {} } }
  end

  local function want(wanted, waiter)
    local theirs = wanted[waiter.mode]
    for _, path in ipairs(waiter.paths) do
      theirs.names[path] = true
      for _, name in ipairs(names_over(path)) do theirs.over[name] = true end
    end
  end

  -- Whether one of those who want this keeps the waiter back. Looked up by name: each may want a thousand paths.
  local function kept_back_by(wanted, waiter)
    for mode, theirs in pairs(wanted) do
      if modes_conflict(mode, waiter.mode) then
        for _, path in ipairs(waiter.paths) do
          if theirs.over[path] then return true end
          for _, name in ipairs(names_over(path)) do
            if theirs.names[name] then return true end
          end
        end
      end
    end
    return false
  end

  -- Calls, in order, each waiter that may go now that these paths changed. Dead ones drop out on the way.
  function call_waiters(paths)
    if lock_waiters == 0 then return end
    local wanted = nothing_wanted()
    for _, waiter in ipairs(waiters_on(paths)) do
      local silent = now - waiter.seen > SILENCE_MS
      -- Called before and never came: it keeps its place, but nobody waits for it.
      if silent or has_precedence(waiter) then
        local kept_back = kept_back_by(wanted, waiter)
        if silent or not (kept_back or waiter.waker == '' or wake(waiter.waker)) then
          remove_waiter(waiter)
        else
          want(wanted, waiter)
          if not kept_back and not waiter.called then
            waiter.called = waiter.waker == '' and math.max(now, waiter.seen + LOOKS_WITHIN_MS) or now
            save_waiter(waiter)
          end
        end
      end
    end
  end
end
