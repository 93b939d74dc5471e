--[[ task/release: ends an attempt as if it had not been made.

NEEDS   task/held_task, task/change
FLAGS   frees
ARGV    7 instant before which nobody may claim the task, "" for none  8 1 when the next is a reason  9 the reason
RETURN  as task/held_task ]]
local task, kind, other = held_task('released')
if not task then return refuse(kind, other) end
release(task, ARGV[8] == '1' and ARGV[9] or nil, tonumber(ARGV[7]))
wake_waiters()
return answer('done', task)
