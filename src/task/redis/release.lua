--[[ task/release: ends an attempt as if it had not been made.

NEEDS   task/held_task, task/change
FLAGS   frees
ARGV    7 1 when the next is a reason  8 the reason
RETURN  as task/held_task ]]
local task, kind, other = held_task('released')
if not task then return refuse(kind, other) end
release(task, ARGV[7] == '1' and ARGV[8] or nil)
wake_waiters()
return answer('done', task)
