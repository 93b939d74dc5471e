--[[ task/release_tasks: returns to the queue what an agent holds, in the same operation as what needs it.

NEEDS   task/change ]]

-- The attempts are recorded as released and do not count. Answers the identifiers of those tasks.
local function release_tasks(ids)
  local tasks = {}
  for i, id in ipairs(ids) do tasks[i] = find(id) end
  table.sort(tasks, function(a, b) return a.seq < b.seq end)
  local released = {}
  for _, task in ipairs(tasks) do
    if task.due <= now then
      expire_kept(task)
    else
      release(task)
      released[#released + 1] = task.id
    end
  end
  wake_waiters()
  return released
end
