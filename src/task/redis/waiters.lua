--[[ task/waiters: those who wait for a task, and who of them is woken.

A waiter that found nothing leaves its waker and its wishes in the same operation. Each task that arrives in the
queue wakes one waiter that may take it, in the order they came, and takes it out of the wait queue; one that is
woken and finds nothing gets into the wait queue again.

KEYS    task_wait_queue, task_waiters
RULES   task/model: TASK_WAITERS_LOOKED_AT, TASK_WAITER_SILENCE_MS
TASK_WAITERS  waiter's id -> seen at NUL waker NUL what it wants to claim, as in task/fast
TASK_WAIT_QUEUE     waiter's id -> its place
KEEPS         task_waiters counts both; while it is 0 nobody pays for waking. ]]
local arrived, arrivals = {}, {}

-- Takes note of a task that this operation has put into the queue.
local function arrive(task)
  if not arrived[task.id] then arrivals[#arrivals + 1] = task end
  arrived[task.id] = true
end

local function dequeue_waiter(waiter)
  if task_waiters == 0 or call('ZREM', TASK_WAIT_QUEUE, waiter) == 0 then return end
  call('HDEL', TASK_WAITERS, waiter)
  task_waiters, dirty = task_waiters - 1, true
end

-- Puts a waiter in the wait queue, or notes that it is still there.
local function enqueue_waiter(waiter, waker, request)
  call('HSET', TASK_WAITERS, waiter, int(now) .. '\0' .. waker .. '\0' .. request)
  if call('ZSCORE', TASK_WAIT_QUEUE, waiter) then return end
  local last = call('ZREVRANGE', TASK_WAIT_QUEUE, 0, 0, 'WITHSCORES')
  call('ZADD', TASK_WAIT_QUEUE, (last[2] or 0) + 1, waiter)
  task_waiters, dirty = task_waiters + 1, true
end

-- Wakes one waiter for each task that this operation has put into the queue and left there.
local function wake_waiters()
  local came, there = arrivals, arrived
  arrived, arrivals = {}, {}
  if #came == 0 or task_waiters == 0 then return end
  local waiting = {}
  for page = 0, HUGE do
    local ids = call('ZRANGE', TASK_WAIT_QUEUE, page * TASK_WAITERS_LOOKED_AT, (page + 1) * TASK_WAITERS_LOOKED_AT - 1)
    if #ids == 0 then break end
    for i, text in ipairs(call('HMGET', TASK_WAITERS, unpack(ids))) do
      local seen, waker, request = string.match(text, '^(%d+)%z(%Z*)%z(%Z*)')
      local match, tags = string.match(request, '^%d+|(%a+)|%d*|(.*)$')
      waiting[#waiting + 1] = { id = ids[i], seen = tonumber(seen), waker = waker, match = match, tags = tags or '' }
    end
    -- Only those who have fallen silent let the look go on: they are dropped for good.
    if now - waiting[#waiting].seen <= TASK_WAITER_SILENCE_MS then break end
  end
  for i = #waiting, 1, -1 do
    if now - waiting[i].seen > TASK_WAITER_SILENCE_MS then dequeue_waiter(table.remove(waiting, i).id) end
  end

  local function wants(waiter, task)
    if waiter.tags == '' then return true end
    local carried = ',' .. task.tags .. ','
    for tag in string.gmatch(waiter.tags, '[^,]+') do
      local has = string.find(carried, ',' .. tag .. ',', 1, true) ~= nil
      if has == (waiter.match == 'any') then return has end
    end
    return waiter.match == 'all'
  end

  -- A dead one does not count as woken: the next one is.
  local function wake_for(task)
    local place = 1
    while waiting[place] do
      local waiter = waiting[place]
      if wants(waiter, task) then
        table.remove(waiting, place)
        dequeue_waiter(waiter.id)
        if wake(waiter.waker) then return end
      else
        place = place + 1
      end
    end
  end
  for _, task in ipairs(came) do
    if #waiting == 0 then return end
    if there[task.id] then
      there[task.id] = nil
      wake_for(task)
    end
  end
end
