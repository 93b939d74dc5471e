--[[ task/sweep: returns some of the lapsed leases and due tasks to the queue.

NEEDS   task/lapse
FLAGS   frees
RETURN  {"lapsed":[…],"more":…} ]]
local more, lapsed = sweep()
wake_waiters()
return finish('{"lapsed":' .. list(lapsed) .. ',"more":' .. tostring(more) .. '}', true)
