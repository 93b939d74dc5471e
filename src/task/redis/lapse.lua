--[[ task/lapse: returns to the queue what time has sent there.

NEEDS   task/change
KEYS    task_later ]]
local SWEEP = 64

-- Settles a bounded number of scheduled tasks that are due and of lapsed leases. Answers whether there may be
-- others, and the identifiers of the tasks whose lease had lapsed.
local function sweep()
  if now < task_floor then return false, {} end
  local due = call('ZRANGEBYSCORE', TASK_LATER, 0, now, 'LIMIT', 0, SWEEP)
  local lapsed = call('ZRANGEBYSCORE', TASK_ORDER, 0, now, 'LIMIT', 0, SWEEP)
  for _, id in ipairs(due) do settle_kept(find(id)) end
  local tasks = {}
  for i, id in ipairs(lapsed) do tasks[i] = find(id) end
  -- Those that lapsed at one instant in the order of their creation.
  table.sort(tasks, function(a, b) return a.due < b.due or a.due == b.due and a.seq < b.seq end)
  for i, task in ipairs(tasks) do
    lapsed[i] = task.id
    settle_kept(task)
  end
  local first = call('ZRANGE', TASK_ORDER, 0, 0, 'WITHSCORES')
  local lapse = tonumber(first[2] or HUGE)
  local later = tonumber(call('ZRANGE', TASK_LATER, 0, 0, 'WITHSCORES')[2] or HUGE)
  task_floor, dirty = math.min(lapse < REGION and lapse or HUGE, later), true
  return #due == SWEEP or #lapsed == SWEEP, lapsed
end
