--[[ task/abandon: takes a waiter out of the wait queue.

NEEDS   task/waiters
FLAGS   frees
ARGV    5 waiter's id
RETURN  "" ]]
dequeue_waiter(ARGV[5])
return finish('')
