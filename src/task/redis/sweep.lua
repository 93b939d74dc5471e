--[[ task/sweep: returns some of the lapsed leases and due tasks to the queue.

NEEDS   task/expire
FLAGS   frees
RETURN  {"lapsed":[…],"more":…,"telling":…} ]]
local more, lapsed, telling = sweep()
wake_waiters()
return finish('{"lapsed":' .. list(lapsed) .. ',"more":' .. tostring(more) .. ',"telling":' .. tostring(telling) .. '}', true)
