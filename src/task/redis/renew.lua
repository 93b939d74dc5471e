--[[ task/renew: extends a live lease, never shortens it.

NEEDS   task/held_task, task/change
FLAGS   frees
ARGV    7 new length of the lease or ""  8 1 when the next is a note on the progress  9 the note
RETURN  as task/held_task ]]
local LENGTH, NOTED, PROGRESS = ARGV[7], ARGV[8], ARGV[9]
local task, kind, other = held_task()
if not task then return refuse(kind, other) end
local work = task.work
if LENGTH ~= '' then work.lease = tonumber(LENGTH) end
if NOTED == '1' then work.progress = PROGRESS end
task.due, work.updated = math.max(task.due, now + work.lease), now
save(task, 'claimed')
return answer('done', task)
