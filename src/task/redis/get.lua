--[[ task/get: one task as it is now.

NEEDS   task/rows
ARGV    5 id
RETURN  a task, "" when there is none ]]
local task = find(ARGV[5])
return task and show(task) or ''
