--[[ task/held_up: pending tasks that a claim found held up, because others have their paths. Why it is done this way is in
src/task/paths.ts.

NEEDS   task/waiters, task/format, lock/rows
KEYS    task_held_up, task_tags, task_starving
RULES   task/model: LET_IN_AT_ONCE, STARVED_MS, STARVING_MOST
TASK_HELD_UP  members of score 0: kind NUL name NUL tags NUL rank NUL id. What holds a task up is the kind and the name:
              x  an exclusive lease that is kept on this name
              s  shared leases that are kept on this name, and the task wants to have it alone
              q  a waiter for a lock on this name that came first
              r  a task of this identifier that starves
              of those with the same tags, one that is let in stays a member until it is claimed or held up by something
              else: then the next one is let in. f NUL and where to go on: there are more to be let in
<id>u of TASKS  since when NUL kind NUL name, of each task that is a member
TASK_STARVING id -> rank, of those that claims have held up for too long: tasks behind them wait for them
KEEPS         task_held_up counts the members; while it is 0 nobody pays for any of this. As long as what holds them up
              lasts, none of them has to be looked at; once it has ended, the first of each tags is in the queue ]]
-- The rest is local to this: a script has 200 locals at most.
local let_in_all, let_more_in, let_in_after, let_in_behind, leave_held_up, hold_up
do
  local function by_rank(rank)
    return string.format('%016.0f', rank)
  end

  -- Puts a task at its place in the queue, or among those that are held up, from the other one.
  local function move(id, tags, from, to)
    call('ZADD', TASK_ORDER, int(REGION + to), id)
    local old, new = place_by_rank(from, id), place_by_rank(to, id)
    for tag in string.gmatch(tags, '[^,]+') do
      call('ZREM', TASK_TAGS, tag .. old)
      call('ZADD', TASK_TAGS, 0, tag .. new)
    end
  end

  -- Lets a member into the queue, unless it is there.
  local function let_in(member)
    local tags, rank, id = string.match(member, '^%Z*%z%Z*%z(%Z*)%z(%d+)%z(.*)$')
    if tonumber(call('ZSCORE', TASK_ORDER, id)) < REGION + HELD_UP then return end
    rank = tonumber(rank)
    move(id, tags, HELD_UP + rank, rank)
    arrive({ id = id, tags = tags })
    dirty = true
  end

  -- Lets in the first of each tags that this holds up, from a place on; of very many, later sweeps go on.
  local function let_in_from(kind, name, place)
    local from, to = '[' .. place, '(' .. kind .. '\0' .. name .. '\1'
    for _ = 1, LET_IN_AT_ONCE do
      local member = call('ZRANGEBYLEX', TASK_HELD_UP, from, to, 'LIMIT', 0, 1)[1]
      if not member then return end
      let_in(member)
      from = '[' .. string.match(member, '^%Z*%z%Z*%z%Z*') .. '\1'
    end
    if call('ZRANGEBYLEX', TASK_HELD_UP, from, to, 'LIMIT', 0, 1)[1] then
      call('ZADD', TASK_HELD_UP, 0, 'f\0' .. string.sub(from, 2))
    end
  end

  function let_in_all(kind, name)
    let_in_from(kind, name, kind .. '\0' .. name .. '\0')
  end

  -- Goes on where an operation had to leave off; whether there was something to go on with.
  function let_more_in()
    local member = call('ZRANGEBYLEX', TASK_HELD_UP, '[f\0', '(f\1', 'LIMIT', 0, 1)[1]
    if not member then return false end
    call('ZREM', TASK_HELD_UP, member)
    local place = string.sub(member, 3)
    local kind, name = string.match(place, '^(%Z*)%z(%Z*)%z')
    let_in_from(kind, name, place)
    return true
  end

  -- Ends what a starving task keeps others from.
  local function stop_starving(id)
    if call('ZREM', TASK_STARVING, id) == 1 then let_in_all('r', id) end
  end

  -- Whether leases on this name let in whom others like them have held up.
  local function is_passable(kind, name)
    if kind == 'r' then return not call('ZSCORE', TASK_STARVING, name) end
    if kind ~= 'x' and kind ~= 's' then return true end
    for _, lease in ipairs(live_on(name)) do
      if kind == 's' or lease.mode == 'exclusive' then return false end
    end
    return true
  end

  -- Lets in whom a lease held up that was kept on this name and has ended.
  function let_in_after(name)
    if task_held_up == 0 then return end
    if is_passable('x', name) then let_in_all('x', name) end
    if is_passable('s', name) then let_in_all('s', name) end
  end

  -- Lets in whom a waiter held up that wanted these names and is gone.
  function let_in_behind(names)
    if task_held_up == 0 then return end
    for _, name in ipairs(names) do let_in_all('q', name) end
  end

  -- Takes a task away from what holds it up: it is claimed, has changed, or is held up by something else. The next comes
  -- in its place. Answers whether anything held it up.
  function leave_held_up(task, is_still_held_up)
    local since, holder = string.match(call('HGET', TASKS, task.id .. 'u') or '', '^(%d+)%z(.*)$')
    if not holder then return false end
    local group = holder .. '\0' .. task.tags .. '\0'
    call('HDEL', TASKS, task.id .. 'u')
    call('ZREM', TASK_HELD_UP, group .. by_rank(rank_of(task.priority, task.seq)) .. '\0' .. task.id)
    task_held_up, dirty = task_held_up - 1, true
    if not is_still_held_up then stop_starving(task.id) end
    if is_passable(string.match(holder, '^(%Z*)%z(.*)$')) then
      local next = call('ZRANGEBYLEX', TASK_HELD_UP, '[' .. group, '(' .. string.sub(group, 1, -2) .. '\1', 'LIMIT', 0, 1)[1]
      if next then let_in(next) end
    end
    return true
  end

  -- Moves a task aside that is in the queue and held up by this; by_claim tells whether a claim is behind it.
  function hold_up(task, kind, name, by_claim)
    local rank, holder = rank_of(task.priority, task.seq), kind .. '\0' .. name
    local since, old = string.match(call('HGET', TASKS, task.id .. 'u') or '', '^(%d+)%z(.*)$')
    since = tonumber(since or now)
    if old ~= holder then
      leave_held_up(task, true)
      call('HSET', TASKS, task.id .. 'u', int(since) .. '\0' .. holder)
      call('ZADD', TASK_HELD_UP, 0, holder .. '\0' .. task.tags .. '\0' .. by_rank(rank) .. '\0' .. task.id)
      task_held_up = task_held_up + 1
    end
    move(task.id, task.tags, rank, HELD_UP + rank)
    arrived[task.id], dirty = nil, true
    -- What is not a claim may last for long, and nobody should wait for it who need not.
    if not by_claim then
      stop_starving(task.id)
    elseif now - since >= STARVED_MS and call('ZCARD', TASK_STARVING) < STARVING_MOST then
      call('ZADD', TASK_STARVING, int(rank), task.id)
    end
  end
end
