--[[ lock/release_all: ends the leases of the actor, a portion per operation.

NEEDS   engine/held, lock/end_leases
FLAGS   frees
ARGV    5 leases in a portion, 6 where the portion begins, "" at first
RETURN  {released: [lease…], next: where the next portion begins, "" after the last one} ]]
local leases, tasks, following = held_portion(ACTOR, ARGV[6], ARGV[5])
-- Locks come before tasks.
if #tasks > 0 then following = '' end
local released = show_all(release_leases(ACTOR, leases))
wake_waiters()
return finish('{"released":' .. released .. ',"next":' .. cjson.encode(following) .. '}', true)
