--[[ task/claim: takes the best tasks; when there is none, the waiter gets in line.

KEYS    as task/change
ARGV    as task/fast
RETURN  as task/fast, or {"tasks":[…],"retryInMs":…}; retryInMs says when time alone may bring one, absent when it
        will not ]]
local WAITER, BELL = ARGV[6], ARGV[7]

local tasks, more
if REPEATED then tasks = claimed_before(recall()) end
if not tasks then tasks, more = claim(REQUEST) end
if tasks then
  if WAITER then take_bell(WAITER) end
  wake_waiters()
  return finish('{"tasks":' .. tasks .. '}')
end
wake_waiters()
if WAITER then hang_bell(WAITER, BELL, REQUEST) end
local due = more and now or task_floor
if due == HUGE then return finish('{"tasks":[]}') end
return finish('{"tasks":[],"retryInMs":' .. int(due - now) .. '}')
