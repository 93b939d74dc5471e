--[[ task/queue: takes tasks from the queue.

A claim reads the head of the queue, or the heads of the tags it asks for, and never a task that it does
not take, but for those that it finds held up: it moves them aside.

NEEDS   task/expire, task/attempts
KEYS    task_tags
RULES   task/model: SWEEPS_OF_A_CLAIM, TAGGED_LOOKED_AT, CANDIDATES_LOOKED_AT ]]
-- The rest is local to this: a script has 200 locals at most.
local claim, claimed_before
do
  -- Members of a tag that one claim looks at, and how many at a time: 4096 took 5 to 7 ms among 20 000.
  local CHUNK = 256

  -- Members of a tag from a rank on, best first.
  local function tagged(tag, from, count)
    return call('ZRANGEBYLEX', TASK_TAGS, '[' .. tag .. '\0' .. from, '(' .. tag .. HELD_UP_FROM, 'LIMIT', 0, count)
  end

  -- The best that carry at least one of the tags: merged from the heads of each.
  local function heads_of_any(tags, count)
    local heads, seen = {}, {}
    for _, tag in ipairs(tags) do
      for _, member in ipairs(tagged(tag, '', count)) do
        local head = string.sub(member, #tag + 2)
        if not seen[head] then heads[#heads + 1] = head end
        seen[head] = true
      end
    end
    table.sort(heads)
    local ids = {}
    for i = 1, math.min(count, #heads) do ids[i] = string.sub(heads[i], 18) end
    return ids
  end

  -- Those of these members of the first tag that carry the others as well.
  local function sharing(tags, members)
    local heads = {}
    for i, member in ipairs(members) do heads[i] = string.sub(member, #tags[1] + 2) end
    for i = 2, #tags do
      if #heads == 0 then break end
      local sought, kept = {}, {}
      for n, head in ipairs(heads) do sought[n] = tags[i] .. '\0' .. head end
      for n, score in ipairs(call('ZMSCORE', TASK_TAGS, unpack(sought))) do
        if score then kept[#kept + 1] = heads[n] end
      end
      heads = kept
    end
    return heads
  end

  -- The best that carry every tag, behind a place. The rarest tag has them all. Where it has many that lack the
  -- others, an operation looks at a bounded number of them: then the place to go on behind comes second.
  local function heads_of_all(tags, count, place)
    local fewest = HUGE
    for i, tag in ipairs(tags) do
      local members = call('ZLEXCOUNT', TASK_TAGS, '[' .. tag .. '\0', '(' .. tag .. HELD_UP_FROM)
      if members < fewest then fewest, tags[1], tags[i] = members, tag, tags[1] end
    end
    local ids, first = {}, place == '' and '' or place .. '\0'
    for _ = 1, TAGGED_LOOKED_AT / CHUNK do
      local members = tagged(tags[1], first, CHUNK)
      for _, head in ipairs(sharing(tags, members)) do
        ids[#ids + 1] = string.sub(head, 18)
        if #ids == count then return ids end
      end
      if #members < CHUNK then return ids end
      -- Nothing lies between a member and itself followed by NUL.
      place = string.sub(members[CHUNK], #tags[1] + 2)
      first = place .. '\0'
    end
    return ids, place
  end

  -- The best pending tasks that qualify; those without regard to tags are the head of the second region.
  local function heads(tags, match, count, place)
    if tags == '' then
      return call('ZRANGEBYSCORE', TASK_ORDER, PENDING_FROM, PENDING_TO, 'LIMIT', '0', count)
    end
    local names = {}
    for tag in string.gmatch(tags, '[^,]+') do names[#names + 1] = tag end
    if match == 'any' or #names == 1 then return heads_of_any(names, count) end
    return heads_of_all(names, count, place)
  end

  local function add_taken(taken, task)
    local n = #taken
    taken[n + 1], taken[n + 2], taken[n + 3] = task.id, task.spec, with_handoff(task)
  end

  -- Claims a pending task whose paths are free; asked is the length of the lease, or "".
  local function take(taken, task, asked, paths)
    local work = task.work
    put_aside(task)
    last_fence = last_fence + 1
    work.status, work.worker, work.fence, work.started = 'claimed', ACTOR, last_fence, now
    work.lease = asked ~= '' and tonumber(asked) or task.lease
    work.ended, work.outcome, work.error, work.progress, work.updated = nil, nil, nil, nil, nil
    work.spent = work.spent + 1
    work.more, work.seq = work.spent < task.max or nil, task.seq
    task.due = now + work.lease
    if paths then
      work.more = nil
      lock_paths(task, paths)
    end
    save(task, 'pending')
    emit('task.claimed', task.id, ACTOR, fence_data(int(last_fence)))
    add_taken(taken, task)
  end

  -- Claims of these, the best that qualify, and goes on with the next best where some are held up. Answers as task/fast
  -- does, then whether there was too much to look at.
  local function take_best(ids, count, next_best, asked)
    local taken, looked = {}, 0
    while true do
      local has_changed = false
      for _, id in ipairs(ids) do
        local task = find(id)
        local paths = paths_of(task)
        local kind, name, by_claim
        if paths then
          kind, name, by_claim = obstacle(task, paths)
          looked = looked + 1
        end
        if kind then hold_up(task, kind, name, by_claim) else take(taken, task, asked, paths) end
        -- Another may have come in its place, and be better than those behind it.
        has_changed = kind or paths and task_held_up > 0
        if has_changed then break end
      end
      local left = count - #taken / 3
      if not has_changed or left == 0 then return taken, false end
      if looked >= CANDIDATES_LOOKED_AT then return taken, #taken == 0 end
      ids = next_best(left)
    end
  end

  -- Claims the best tasks that qualify, after returning to the queue what has come back to it; request is as in
  -- task/fast, place as an earlier operation of the same call answered it, or "". Answers nothing when there is none,
  -- then whether what is left to return may be one, and the place to go on behind when there was too much to look at.
  function claim(request, place)
    local count, match, asked, tags = string.match(request, '^(%d+)|(%a+)|(%d*)|(.*)$')
    if not count then count, match, asked, tags = 1, 'any', '', '' end
    count = tonumber(count)
    for sweeps = 1, SWEEPS_OF_A_CLAIM do
      local more, go_on = sweep(), nil
      local function best(number)
        local ids
        ids, go_on = heads(tags, match, number, place)
        return ids
      end
      local ids = best(count)
      if not more or #ids >= count or go_on or sweeps == SWEEPS_OF_A_CLAIM then
        local taken, too_many = take_best(ids, count, best, asked)
        if #taken > 0 then return taken end
        return nil, more, too_many and place or go_on
      end
    end
  end

  -- What an earlier try of this very call has claimed, as far as it is still held so: as claim answers.
  function claimed_before(done)
    local taken = {}
    for _, item in ipairs(done) do
      if item[1] == 'task.claimed' then
        local task = find(item[2])
        local same = task.work.worker == ACTOR and item[3] == fence_data(int(task.work.fence))
        if same and task.work.status == 'claimed' and task.due > now then add_taken(taken, task) end
      end
    end
    if #taken > 0 then return taken end
  end
end
