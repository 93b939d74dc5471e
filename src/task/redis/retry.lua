--[[ task/retry: brings a dead or cancelled task back with a fresh budget of attempts.

NEEDS   task/choice
FLAGS   frees
RETURN  as task/choice ]]
local task = chosen_task()
if not task then return finish('{"kind":"unknown"}') end
local work, from = task.work, task.work.status
if replayed('task.retried', task.id) then return answer('done', task) end
if from ~= 'dead' and from ~= 'cancelled' then return answer('refused', task) end
wait(task, task.start)
work.spent, work.updated = 0, now
save(task, from)
emit('task.retried', task.id, ACTOR)
return answer('done', task)
