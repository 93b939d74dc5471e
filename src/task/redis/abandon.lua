--[[ task/abandon: takes a waiter out of the line.

KEYS    task_waiters, task_line
ARGV    5 waiter's id ]]
take_bell(ARGV[5])
return finish('')
