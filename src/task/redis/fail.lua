--[[ task/fail: ends an attempt without success.

NEEDS   task/held_task, task/change
RULES   task/backoff: MAX_BACKOFF_MS
FLAGS   frees
ARGV    7 what went wrong  8 1 when another attempt may succeed
RETURN  as task/held_task ]]
local task, kind, other = held_task('failed')
if not task then return refuse(kind, other) end
local work = task.work
end_attempt(task, 'failed', now, ARGV[7])
if ARGV[8] == '1' and work.spent < task.max then
  local factors = { n = 0, l = work.spent, e = 2 ^ (work.spent - 1) }
  wait(task, now + math.min(task.base * factors[task.kind], MAX_BACKOFF_MS))
else
  work.status = 'dead'
end
save(task, 'claimed')
emit('task.failed', task.id, ACTOR, fence_data(int(work.fence)))
if work.status == 'dead' then emit_dead(task) end
wake_waiters()
return answer('done', task)
