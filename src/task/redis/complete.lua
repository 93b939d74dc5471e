--[[ task/complete: completes a task, then claims the next ones, in one operation.

A completion counts while its attempt is the newest one: also after the lease has lapsed, as long as nobody
has claimed the task since and it has not died of it.

NEEDS   task/dependencies, task/queue
FAST    task/fast
KEYS    task_later
RULES   task/model: UNBLOCKED_AT_ONCE
FLAGS   frees
LET     COMPLETES = true
ARGV    as task/fast
RETURN  as task/fast, but instead of the record {"kind":"done","task":…}, with "sent":true and without the
        result if that is the one just sent, "telling":true while sweeps have yet to unblock others that wait for it,
        {"kind":"lost","task":…} or {"kind":"unknown"} ]]
local REQUEST, ID, FENCE, RESULT = ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local before = is_retry and replay() or {}

local task = find(ID)
if not task then return finish({ '{"kind":"unknown"}' }) end
local work, from = task.work, task.work.status
expire(task)
local status, mine = work.status, work.worker == ACTOR and (FENCE == '' or FENCE == int(work.fence))
local late = work.outcome == 'expired' and status ~= 'dead' and status ~= 'cancelled'
local answer, telling = nil, ''
if mine and (status == 'claimed' or late) then
  end_attempt(task, 'completed', now)
  work.status = 'completed'
  save(task, from)
  if RESULT ~= '' then call('HSET', TASKS, ID .. 'r', RESULT) end
  emit('task.completed', ID, ACTOR, fence_data(int(work.fence)))
  if unblock(ID, UNBLOCKED_AT_ONCE) then
    call('ZADD', TASK_LATER, 0, ID)
    task_floor, telling = 0, '"telling":true,'
  end
  answer = telling .. '"sent":true,"task":' .. show_with(task)
else
  local again = mine and FENCE ~= '' and work.outcome == 'completed' or replayed('task.completed', ID)
  if not again then return finish({ '{"kind":"lost","task":' .. show(task) .. '}' }) end
  answer = '"task":' .. show(task)
end
local tasks = claimed_before(before)
if not tasks and REQUEST ~= '' then
  local _, go_on
  tasks, _, go_on = claim(REQUEST, '')
  if go_on then answer = '"unlooked":true,' .. answer end
end
wake_waiters()
return finish({ '{"kind":"done",' .. answer .. '}', unpack(tasks or {}) })
