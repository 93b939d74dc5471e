--[[ task/take: takes tasks over from a store that stood in for this one; each is as told afterwards, however often it is told.

A task that somebody else has had here since stays as it is: then its newest attempt is none of those told, or it has
ended in another way. Where nobody but those who tell uses this store there is no such task: what it was claimed by was a
call that was executed late, which nobody was answered. Of what was told an attempt that ended with a result or an error is kept as a late one.
No event is emitted.

NEEDS   task/dependencies, task/attempts, task/removal, engine/conflicts
KEYS    task_keys, task_later, task_created, task_links
RULES   task/model: UNBLOCKED_AT_ONCE
ARGV    5 1 where nobody but those who tell uses this store; then of each task: "moved", its id, its key or "", an object of its other fields, see RedisTaskTransfer; title,
        description and details as lines of JSON, see task/rows; = and the newest attempt's error, = and its
        progress, "" for none; the result as JSON or ""; how many older attempts are told, and these as JSON
        of each that was removed: "removed", id, fence of the newest attempt, status
RETURN  {id, what became of it, more of that} of each that was not taken over as told: "key" and who has it;
        "late" or "theirs" and the status here; "needed"; "held" and by whom
KEEPS   fences handed out from now on are above those told
        work.taken, see task/rows: while it is that of the task's last change, nobody has changed the task here since ]]
local ALONE, at, conflicts = ARGV[5] == '1', 6, {}

local function argument()
  at = at + 1
  return ARGV[at - 1]
end

local function conflict(id, kind, more)
  conflicts[#conflicts + 1] = cjson.encode({ id, kind, more or '' })
end

local function changed_at(task)
  local work = task.work
  return math.max(tonumber(task.created), work.started or 0, work.ended or 0, work.updated or 0)
end

local function is_as_taken(task)
  return task.work.taken == changed_at(task)
end

-- Whether somebody else has had the task here since. The attempts told are `known`, the first fence of them is `first`.
local function is_theirs(task, status, known, first)
  local work = task.work
  if ALONE or is_as_taken(task) then return false end
  if work.fence and work.fence > first and not known[int(work.fence) .. work.worker] then return true end
  local ended = work.status == 'completed' or work.status == 'cancelled' or work.status == 'dead' and work.outcome ~= 'expired'
  return ended and work.status ~= status
end

-- Keeps an attempt that ended elsewhere: in its place among the older ones if it is there, else as the newest of them.
local function keep_late(task, fence, text)
  local older = task.work.older or 0
  for n = older, math.max(1, older - OLDER_KEPT + 1), -1 do
    local field = task.id .. 'a' .. n
    if string.match(call('HGET', TASKS, field) or '', '"fence":(%d+)') == int(fence) then
      call('HSET', TASKS, field, text)
      return
    end
  end
  add_older(task, text)
  call('HSET', TASKS, task.id .. 'w', encode(task.work))
end

-- Takes away what finds the task as it stands.
local function displace(task)
  local status = task.work.status
  if status == 'pending' then leave_queue(task) end
  if status == 'scheduled' or status == 'completed' then call('ZREM', TASK_LATER, task.id) end
  if status == 'claimed' then call('ZREM', HELD, task.work.worker .. '\0t' .. task.id) end
end

-- Writes the task with what finds it.
local function settle(task)
  local id, work = task.id, task.work
  local status = work.status
  local paths = status == 'claimed' and paths_of(task)
  if paths then
    -- Their leases are told by themselves.
    work.locks = {}
    for i, wanted in ipairs(paths) do work.locks[i] = wanted.path end
  end
  work.more = status == 'claimed' and not paths and work.spent < task.max or nil
  work.seq = status == 'claimed' and task.seq or nil
  work.taken = changed_at(task)
  last_fence = math.max(last_fence, work.fence or 0)
  call('HSET', TASKS, id, task.spec)
  if status == 'pending' and not work.worker and work.spent == 0 and work.taken == tonumber(task.created) then
    -- There is nothing to be said of it: so its first claim takes the fast path.
    call('HDEL', TASKS, id .. 'w')
  else
    call('HSET', TASKS, id .. 'w', encode(work))
  end
  call('ZADD', TASK_ORDER, place_of(task), id)
  call('ZADD', TASK_CREATED, int(task.seq), id)
  if status == 'scheduled' then call('ZADD', TASK_LATER, task.due, id) end
  if status == 'claimed' then call('ZADD', HELD, 0, work.worker .. '\0t' .. id) end
  if status == 'pending' then enter_queue(task) end
  if task.due then task_floor = math.min(task_floor, task.due) end
end

-- Lets the task wait for these, and for no others. Answers for how many.
local function relink(task, waits)
  for need in string.gmatch(task.needs, '[^,]+') do
    task_links = task_links - call('ZREM', TASK_LINKS, need .. '\0' .. task.id)
  end
  local open = 0
  for need in string.gmatch(waits, '[^,]+') do
    -- One that is not there yet is still to be told.
    local other = find(need)
    if not other or other.work.status ~= 'completed' then
      add_link(need, task.id)
      open = open + 1
    end
  end
  return open
end

local function spec_text(seq, told, known, texts)
  local lease, kind, base = told.lease, told.kind, told.base
  if known then lease, kind, base = lease or known.lease, kind or known.kind, base or known.base end
  return '[' .. int(seq) .. ',' .. told.priority .. ',' .. int(lease or told.usual.lease) .. ',' .. int(told.max) .. ',"'
    .. told.tags .. '","' .. (kind or told.usual.kind) .. '",' .. int(base or told.usual.base) .. ','
    .. (told.start and int(told.start) or 'null') .. ',' .. int(told.created) .. ',"' .. told.by .. '","' .. told.needs
    .. '",\n' .. texts .. ']'
end

local function take_key(id, key)
  if key == '' then return end
  local owner = call('HGET', TASK_KEYS, key)
  if owner and owner ~= id then return conflict(id, 'key', owner) end
  call('HSET', TASK_KEYS, key, id)
  call('HSET', TASKS, id .. 'k', key)
end

-- The work on the task as told; its fence and its attempts before the newest are the caller's.
local function work_of(told, failure, progress)
  local work = { status = told.status, spent = told.spent, updated = told.updated }
  local newest = told.newest
  if newest then
    work.worker, work.fence, work.started, work.ended = newest.holder, newest.fence, newest.startedAtMs, newest.endedAtMs
    work.outcome, work.lease = newest.outcome, told.length
    if failure ~= '' then work.error = string.sub(failure, 2) end
    if progress ~= '' then work.progress = string.sub(progress, 2) end
  end
  return work
end

-- Writes the older attempts that were told. What the source did not know of them stays.
local function write_older(id, work, before, older, first)
  work.older = first + #older > 0 and first + #older or nil
  for n, text in ipairs(older) do call('HSET', TASKS, id .. 'a' .. int(first + n), text) end
  local kept_from = (work.older or 0) - OLDER_KEPT + 1
  for n = math.max(1, before - OLDER_KEPT + 1), kept_from - 1 do call('HDEL', TASKS, id .. 'a' .. n) end
end

local function take_task()
  local id, key, told, texts = argument(), argument(), cjson.decode(argument()), argument()
  local failure, progress, result = argument(), argument(), argument()
  local older, known, first = {}, {}, nil
  for n = 1, tonumber(argument()) do
    older[n] = argument()
    local holder, fence = string.match(older[n], '"holder":"([^"]*)","fence":(%d+)')
    known[fence .. holder], first = true, first or tonumber(fence)
  end
  local work = work_of(told, failure, progress)
  if work.fence then known[int(work.fence) .. work.worker], first = true, first or work.fence end
  local here = find(id)
  if here and is_theirs(here, told.status, known, first or 0) then
    local came = work.outcome == 'completed' and told.status == 'completed' or work.outcome == 'failed'
    if came then
      local more = told.status == 'completed' and result ~= '' and ',"result":' .. result or ''
      keep_late(here, work.fence, attempt_text(work, ',"late":true' .. more))
    end
    return conflict(id, came and 'late' or 'theirs', here.work.status)
  end
  local seq = here and here.seq
  if here then
    displace(here)
  else
    task_seq = task_seq + 1
    seq = task_seq
  end
  local task = parse(id, spec_text(seq, told, here, texts), nil)
  task.work = work
  write_older(id, work, here and here.work.older or 0, older, told.first)
  local open = relink(task, told.waits)
  work.waits = open > 0 and open or nil
  if work.status == 'blocked' then
    wait(task, task.start)
  elseif work.status == 'claimed' then
    task.due = now + told.left
  elseif work.status == 'scheduled' then
    task.due = told.due
  end
  take_key(id, key)
  if result ~= '' then call('HSET', TASKS, id .. 'r', result) else call('HDEL', TASKS, id .. 'r') end
  settle(task)
  if work.status == 'completed' and unblock(id, UNBLOCKED_AT_ONCE) then
    call('ZADD', TASK_LATER, 0, id)
    task_floor = 0
  end
end

local function take_away()
  local id, fence, status = argument(), tonumber(argument()), argument()
  local task = find(id)
  if not task then return end
  local work = task.work
  local is_held = work.status == 'claimed' and task.due > now and work.fence ~= fence
  if is_held and not ALONE and not is_as_taken(task) then
    return conflict(id, 'held', work.worker)
  end
  if status == 'completed' then
    while unblock(id, UNBLOCKED_AT_ONCE) do end
  elseif is_needed(id) then
    return conflict(id, 'needed')
  end
  displace(task)
  remove(task)
end

while at <= #ARGV do
  if argument() == 'moved' then take_task() else take_away() end
end
dirty = true
wake_waiters()
return finish(keep_conflicts('task', conflicts))
