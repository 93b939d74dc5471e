--[[ board/get: a thread without its replies.

NEEDS   board/thread
ARGV    5 thread's id
RETURN  the thread | null ]]
local thread = find_thread(ARGV[5])
return thread and show(thread) or 'null'
