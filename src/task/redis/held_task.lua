--[[ task/held_task: what the operations of a task's holder begin with.

NEEDS   task/rows
ARGV    5 id  6 fence or "": the lease of this fence is meant, or else the actor's
RETURN  {"kind":"done","task":…} | {"kind":"lost","task":…} | {"kind":"unknown"} ]]
local function answer(kind, task)
  return finish('{"kind":"' .. kind .. '","task":' .. show(task) .. '}')
end

-- The task under its live lease, or nothing and what to answer; ends is what the operation makes of attempts.
local function held_task(ends)
  local id, fence = ARGV[5], ARGV[6]
  local task = find(id)
  if not task then return nil, 'unknown' end
  if ends and replayed('task.' .. ends, id) then return nil, 'done', task end
  expire(task)
  local work = task.work
  local mine = work.worker == ACTOR and (fence == '' or fence == int(work.fence))
  if mine and work.status == 'claimed' then return task end
  -- The same call once more, its answer having been lost.
  local again = mine and ends and fence ~= '' and work.outcome == ends
  return nil, again and 'done' or 'lost', task
end

local function refuse(kind, task)
  if not task then return finish('{"kind":"' .. kind .. '"}') end
  return answer(kind, task)
end
