--[[ task/change: where a task changes, and the sets that find it follow.

NEEDS   task/waiters, task/rows, task/paths
KEYS    task_tags, task_later
TASK_TAGS  members of score 0: tag NUL rank NUL id, rank as 16 digits, for each tag of each pending task
HELD       see agent/touch; a member goes when the lease ends, or is found to have lapsed
task_floor a lower bound of the moments at which a lease lapses or a scheduled task is due ]]

local function enter_queue(task)
  arrive(task)
  local place = tag_place(task.priority, task.seq, task.id)
  for tag in string.gmatch(task.tags, '[^,]+') do
    call('ZADD', TASK_TAGS, 0, tag .. place)
  end
end

local function leave_queue(task)
  arrived[task.id] = nil
  local place = tag_place(task.priority, task.seq, task.id)
  for tag in string.gmatch(task.tags, '[^,]+') do
    call('ZREM', TASK_TAGS, tag .. place)
  end
  if task_held_up > 0 and paths_of(task) and leave_held_up(task) then
    local held_place = place_by_rank(HELD_UP + rank_of(task.priority, task.seq), task.id)
    for tag in string.gmatch(task.tags, '[^,]+') do call('ZREM', TASK_TAGS, tag .. held_place) end
  end
end

-- The task's score in TASK_ORDER.
local function place_of(task)
  local status = task.work.status
  if status == 'claimed' then return task.due end
  if status == 'pending' then return REGION + rank_of(task.priority, task.seq) end
  local regions = { scheduled = 2, blocked = 3, completed = 4, dead = 5, cancelled = 6 }
  return regions[status] * REGION + task.seq
end

-- Saves the work on a task that stood at `from`.
local function save(task, from)
  local id, status, locks = task.id, task.work.status, task.work.locks
  task.work.taken = nil
  if status ~= 'claimed' then task.work.locks = nil end
  task.record = encode(task.work)
  call('HSET', TASKS, id .. 'w', task.record)
  call('ZADD', TASK_ORDER, place_of(task), id)
  if status == 'scheduled' then
    call('ZADD', TASK_LATER, task.due, id)
  end
  if task.due then task_floor = math.min(task_floor, task.due) end
  dirty = true
  if status == from then
    if status == 'claimed' and locks then renew_paths(locks, task.work) end
    return
  end
  if from == 'pending' then leave_queue(task) end
  if from == 'scheduled' then call('ZREM', TASK_LATER, id) end
  if from == 'claimed' then call('ZREM', HELD, task.work.worker .. '\0t' .. id) end
  if status == 'pending' then enter_queue(task) end
  if status == 'claimed' then call('ZADD', HELD, 0, ACTOR .. '\0t' .. id) end
  if from == 'claimed' and locks then unlock_paths(locks, task.work) end
end

-- Emits that a task has used up its attempts.
local function emit_dead(task)
  emit('task.dead', task.id, nil, '{"attempts":' .. task.work.spent .. '}')
end

-- Makes of the task what time has made of it, and saves it if that is a change.
local function expire_kept(task)
  local from, work = task.work.status, task.work
  if not expire(task) then return end
  save(task, from)
  if from ~= 'claimed' then return end
  emit('task.expired', task.id, work.worker, fence_data(int(work.fence)))
  if work.status == 'dead' then emit_dead(task) end
end

-- Puts a claimed task back at its old place, where start is given only from then on; the attempt does not count.
local function release(task, why, start)
  local work = task.work
  emit('task.released', task.id, work.worker, fence_data(int(work.fence)))
  end_attempt(task, 'released', now, why)
  work.spent = work.spent - 1
  wait(task, start)
  save(task, 'claimed')
end
