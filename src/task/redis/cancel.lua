--[[ task/cancel: ends a task for good, whoever holds it; done already is done.

NEEDS   task/choice
FLAGS   frees
RETURN  as task/choice ]]
local task = chosen_task()
if not task then return finish('{"kind":"unknown"}') end
local work, from = task.work, task.work.status
if from == 'cancelled' or replayed('task.cancelled', task.id) then return answer('done', task) end
if from == 'completed' or from == 'dead' then return answer('refused', task) end
local data
if from == 'claimed' then
  end_attempt(task, 'cancelled', now)
  data = fence_data(int(work.fence))
end
work.status, work.updated, task.due = 'cancelled', now, nil
save(task, from)
emit('task.cancelled', task.id, ACTOR, data)
return answer('done', task)
