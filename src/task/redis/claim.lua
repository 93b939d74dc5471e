--[[ task/claim: takes the best tasks; when there is none, the waiter gets into the wait queue.

A look that is too long for one operation goes on in others. Its waiter is in the wait queue from the first of them, so no
arrival escapes it: who was woken meanwhile, and so is out of the wait queue, begins again.

NEEDS   task/queue
FAST    task/fast
KEYS    task_wait_queue
FLAGS   frees
LET     COMPLETES = false
ARGV    as task/fast, in 6 and 7 "" for no waiter, then, if there is one
        8 place behind which to go on, as this script answered it, or ~ if this waiter has looked everywhere
          lately: as long as it is in the wait queue nothing has come that would be for it
RETURN  as task/fast, for each that was claimed; @ and the place to go on behind; or when time alone may bring
        one: in how many milliseconds, "" when it will not ]]
local REQUEST, WAITER, WAKER, PLACE = ARGV[5], ARGV[6] or '', ARGV[7], ARGV[8] or ''

local function is_queued()
  return WAITER ~= '' and task_waiters > 0 and call('ZSCORE', TASK_WAIT_QUEUE, WAITER)
end

local tasks, more, go_on
if is_retry then tasks = claimed_before(replay()) end
if not tasks and PLACE == '~' and is_queued() then
  -- The waiter gets into the wait queue before expired tasks wake waiters: one of them may be what it waits for.
  enqueue_waiter(WAITER, WAKER, REQUEST)
  more = sweep()
  wake_waiters()
else
  if PLACE == '~' or PLACE ~= '' and WAITER ~= '' and not is_queued() then PLACE = '' end
  if not tasks then tasks, more, go_on = claim(REQUEST, PLACE) end
  if tasks then
    if WAITER ~= '' then dequeue_waiter(WAITER) end
    wake_waiters()
    return finish(tasks)
  end
  wake_waiters()
  if WAITER ~= '' then enqueue_waiter(WAITER, WAKER, REQUEST) end
  if go_on then return finish('@' .. go_on) end
end
local due = more and now or math.min(task_floor, task_held_up > 0 and lock_floor or HUGE)
return finish(due < HUGE and int(due - now) or '')
