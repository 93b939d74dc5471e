--[[ board/resolve: closes a thread.

NEEDS   board/filing
FLAGS   frees
ARGV    5 thread's id
RETURN  the thread | null ]]
local thread = find_thread(ARGV[5])
if not thread then return finish('null') end
-- Somebody may have replied since the first try, which makes it active again.
local done = thread.status == 'resolved' or is_retry and #replay() > 0
if not done then
  update(thread, 'resolved')
  emit('thread.resolved', thread.id, ACTOR)
end
return finish(show(thread))
