--[[ task/sweep: returns some of the lapsed leases and due tasks to the queue.

KEYS    as task/change
RETURN  {"lapsed":[…],"more":…} ]]
local more, lapsed = sweep()
wake_waiters()
return finish('{"lapsed":' .. list(lapsed) .. ',"more":' .. tostring(more) .. '}', true)
