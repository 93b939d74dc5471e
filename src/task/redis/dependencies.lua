--[[ task/dependencies: tasks that wait for others.

NEEDS   task/change
KEYS    task_links
TASK_LINKS  members of score 0: id NUL id of a task that waits for it, from the moment one depends on the
            other until that is completed; one that dies or is cancelled keeps its links, so that bringing
            it back is enough to revive whoever waits for it
KEEPS       task_links counts them; while it is 0 a completion pays nothing. A completed task that still has links is in
            TASK_LATER at 0: a sweep goes on with them. ]]

local function add_link(on, id)
  call('ZADD', TASK_LINKS, 0, on .. '\0' .. id)
  task_links = task_links + 1
end

-- Unblocks some of the tasks that waited for this one, which is completed. Answers whether there are others.
local function unblock(id, portion)
  if task_links == 0 then return false end
  local members = call('ZRANGEBYLEX', TASK_LINKS, '[' .. id .. '\0', '(' .. id .. '\1', 'LIMIT', 0, portion + 1)
  local more = #members > portion
  if more then members[#members] = nil end
  local waiting = {}
  for i, member in ipairs(members) do
    call('ZREM', TASK_LINKS, member)
    waiting[i] = find(string.sub(member, #id + 2))
  end
  task_links = task_links - #members
  table.sort(waiting, function(a, b) return a.seq < b.seq end)
  for _, task in ipairs(waiting) do
    local from = task.work.status
    task.work.waits = task.work.waits - 1
    if from == 'blocked' then wait(task, task.start) end
    save(task, from)
  end
  return more
end
