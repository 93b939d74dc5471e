--[[ task/choice: what the operations begin with that need no lease.

NEEDS   task/change
ARGV    5 id
RETURN  {"kind":"done","task":…} | {"kind":"refused","task":…} | {"kind":"unknown"} ]]

local function answer(kind, task)
  wake_waiters()
  return finish('{"kind":"' .. kind .. '","task":' .. show(task) .. '}')
end

-- The task as time has left it.
local function chosen_task()
  local task = find(ARGV[5])
  if task then expire_kept(task) end
  return task
end
