--[[ task/expire: returns to the queue what time has sent there.

NEEDS   task/dependencies
KEYS    task_later
RULES   task/model: SWEPT_AT_ONCE ]]

-- Expires a bounded number of scheduled tasks that are due and of lapsed leases, and unblocks some of those that waited
-- for a completed task. Answers whether there may be others, the identifiers of the tasks whose lease had lapsed, and
-- whether others still wait for tasks that are completed.
local function sweep()
  local letting_in = sweep_held_up()
  if now < task_floor then return letting_in, {}, false end
  local due = call('ZRANGEBYSCORE', TASK_LATER, 0, now, 'LIMIT', 0, SWEPT_AT_ONCE)
  local lapsed = call('ZRANGEBYSCORE', TASK_ORDER, 0, now, 'LIMIT', 0, SWEPT_AT_ONCE)
  local unblocked = false
  for _, id in ipairs(due) do
    local task = find(id)
    if task.work.status ~= 'completed' then
      expire_kept(task)
    elseif not unblocked then
      unblocked = true
      if not unblock(id, SWEPT_AT_ONCE) then call('ZREM', TASK_LATER, id) end
    end
  end
  local tasks = {}
  for i, id in ipairs(lapsed) do tasks[i] = find(id) end
  -- Those that lapsed at one instant in the order of their creation.
  table.sort(tasks, function(a, b) return a.due < b.due or a.due == b.due and a.seq < b.seq end)
  for i, task in ipairs(tasks) do
    lapsed[i] = task.id
    expire_kept(task)
  end
  local first = call('ZRANGE', TASK_ORDER, 0, 0, 'WITHSCORES')
  local earliest = tonumber(first[2] or HUGE)
  local later = tonumber(call('ZRANGE', TASK_LATER, 0, 0, 'WITHSCORES')[2] or HUGE)
  task_floor, dirty = math.min(earliest < REGION and earliest or HUGE, later), true
  return letting_in or unblocked or #due == SWEPT_AT_ONCE or #lapsed == SWEPT_AT_ONCE, lapsed, later == 0
end
