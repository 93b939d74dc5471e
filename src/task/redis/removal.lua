--[[ task/removal: removes a task with all that finds it.

NEEDS   task/rows
KEYS    task_links, task_keys, task_created, task_later
RULES   task/model: OLDER_KEPT ]]
-- Whether others still wait for the task.
local function is_needed(id)
  return task_links > 0 and #call('ZRANGEBYLEX', TASK_LINKS, '[' .. id .. '\0', '(' .. id .. '\1', 'LIMIT', 0, 1) > 0
end

-- Removes a task that has ended. Answers how many older attempts it may have had.
local function remove(task)
  local id = task.id
  for need in string.gmatch(task.needs, '[^,]+') do
    task_links = task_links - call('ZREM', TASK_LINKS, need .. '\0' .. id)
  end
  local key = call('HGET', TASKS, id .. 'k')
  if key then call('HDEL', TASK_KEYS, key) end
  local fields, older = { id, id .. 'w', id .. 'r', id .. 'k' }, task.work.older or 0
  for n = math.max(1, older - OLDER_KEPT + 1), older do fields[#fields + 1] = id .. 'a' .. n end
  call('HDEL', TASKS, unpack(fields))
  call('ZREM', TASK_ORDER, id)
  call('ZREM', TASK_CREATED, id)
  if task.work.status == 'completed' then call('ZREM', TASK_LATER, id) end
  return #fields - 4
end
