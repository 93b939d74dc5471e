--[[ lock/abandon: takes a waiter out of the queue and calls whoever it kept waiting.

NEEDS   lock/wait_queue
FLAGS   frees
ARGV    5 waiter's id
RETURN  "" ]]
local waiter = find_waiter(ARGV[5])
if waiter then
  remove_waiter(waiter)
  call_waiters(waiter.paths)
  wake_waiters()
end
return finish('')
