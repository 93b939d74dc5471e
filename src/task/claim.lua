--[[ task/claim: takes the best tasks; when there is none, the waiter gets in line.

KEYS    as task/change
ARGV    as task/fast
RETURN  as task/fast, for each that was claimed, or when time alone may bring one: in how many milliseconds,
        "" when it will not ]]
local REQUEST, WAITER, BELL = ARGV[5], ARGV[6], ARGV[7]

local tasks, more
if REPEATED then tasks = claimed_before(recall()) end
if not tasks then tasks, more = claim(REQUEST) end
if tasks then
  if WAITER then take_bell(WAITER) end
  wake_waiters()
  return finish(tasks)
end
wake_waiters()
if WAITER then hang_bell(WAITER, BELL, REQUEST) end
local due = more and now or task_floor
return finish(due < HUGE and int(due - now) or '')
