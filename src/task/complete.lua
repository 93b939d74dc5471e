--[[ task/complete: completes a task, then claims the next ones, in one step.

A completion counts while its attempt is the newest one: also after the lease has lapsed, as long as nobody has
claimed the task since and it has not died of it.

KEYS    as task/dependencies and task/queue
ARGV    5 id  6 fence or ""  7 result as JSON or ""  8 how many to claim, 0 for none  9 their tags, joined by commas
        10 any|all  11 length of their leases, or ""
RETURN  {"kind":"done","sent":true,"task":…,"next":[…]}; sent: without the result, which is the one just sent
        {"kind":"lost","task":…} | {"kind":"unknown"} ]]
local ID, TENURE, RESULT, COUNT = ARGV[5], ARGV[6], ARGV[7], tonumber(ARGV[8])
local WORK = ID .. 'w'

local kept = call('HMGET', TASKS, ID, WORK)
local spec, record = kept[1], kept[2]
local worker, tenure, spent, rest =
  string.match(record or '', '^{"status":"claimed","worker":"([^"]*)","fence":(%d+),"spent":(%d+),(.*)$')
local max = spec and string.match(spec, '^"%d+|%d|%d+|(%d+)|')
-- Writes that wait for those of the claim, to go with them.
local records, scores, answer = {}, {}, nil
local done = REPEATED and recall() or {}

if max and worker == ACTOR and (TENURE == '' or TENURE == tenure) and tonumber(spent) < tonumber(max) then
  -- What is true of nearly every completion, without taking the record apart: it counts, lapsed or not.
  record = '{"status":"completed","worker":"' .. worker .. '","fence":' .. tenure .. ',"spent":' .. spent
    .. ',"ended":' .. int(now) .. ',"outcome":"completed",' .. rest
  records = { WORK, record }
  scores = { 4 * REGION + string.match(spec, '^"(%d+)'), ID }
  call('ZREM', HELD, worker .. '\0t' .. ID)
  emit('task.completed', ID, ACTOR, '{"fence":' .. tenure .. '}')
  answer = '{"kind":"done","sent":true,"task":{"id":"' .. ID .. '","s":[' .. spec .. '],"w":' .. record .. '}'
else
  local task = max and find(ID)
  if not task then return finish('{"kind":"unknown"}') end
  local work, from = task.work, task.work.status
  settle(task)
  local status, mine = work.status, work.worker == ACTOR and (TENURE == '' or TENURE == int(work.fence))
  local late = work.outcome == 'expired' and status ~= 'dead' and status ~= 'cancelled'
  if mine and (status == 'claimed' or late) then
    end_attempt(task, 'completed', now)
    work.status = 'completed'
    save(task, from)
    emit('task.completed', ID, ACTOR, '{"fence":' .. int(work.fence) .. '}')
    answer = '{"kind":"done","sent":true,"task":' .. show_with(task)
  else
    local again = mine and TENURE ~= '' and work.outcome == 'completed'
    for _, item in ipairs(done) do
      again = again or item[1] == 'task.completed' and item[2] == ID
    end
    if not again then return finish('{"kind":"lost","task":' .. show(task) .. '}') end
    answer, RESULT = '{"kind":"done","task":' .. show(task), ''
  end
end
if RESULT ~= '' then
  local n = #records
  records[n + 1], records[n + 2] = ID .. 'r', RESULT
end

-- The rest of the step may look at what waits to be written.
if COUNT == 0 or now >= task_floor or task_links > 0 or REPEATED then
  if #records > 0 then call('HSET', TASKS, unpack(records)) end
  if #scores > 0 then call('ZADD', TASK_ORDER, unpack(scores)) end
  records, scores = {}, {}
  unblock(ID)
end
local tasks = claimed_before(done)
if not tasks and COUNT > 0 then
  tasks = claim(ARGV[9], ARGV[10], COUNT, ARGV[11] ~= '' and ARGV[11], records, scores)
  if not tasks and #records > 0 then
    call('HSET', TASKS, unpack(records))
    if #scores > 0 then call('ZADD', TASK_ORDER, unpack(scores)) end
  end
end
wake_waiters()
return finish(answer .. ',"next":' .. (tasks or '[]') .. '}')
