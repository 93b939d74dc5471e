--[[ task/waiters: those who wait for a task, and who of them is woken.

A waiter that found nothing leaves its bell and its wishes in the same step. Each task that arrives in the
queue wakes one waiter that may take it, in the order they came, and takes it out of the line; one that is
woken and finds nothing gets in line again.

KEYS    task_line, task_waiters
TASK_WAITERS  waiter's id -> seen at NUL bell NUL what it wants to claim, as in task/fast
TASK_LINE     waiter's id -> its place
KEEPS         task_waiters counts both; while it is 0 nobody pays for waking. ]]
local WAITERS_ASKED = 256
local WAITER_SILENCE_MS = 60000
local arrived, arrivals = {}, {}

-- Takes note of a task that this step has put into the queue.
local function arrive(task)
  if not arrived[task.id] then arrivals[#arrivals + 1] = task end
  arrived[task.id] = true
end

local function take_bell(waiter)
  if task_waiters == 0 or call('ZREM', TASK_LINE, waiter) == 0 then return end
  call('HDEL', TASK_WAITERS, waiter)
  task_waiters, dirty = task_waiters - 1, true
end

-- Puts a waiter in line, or notes that it is still there.
local function hang_bell(waiter, bell, request)
  call('HSET', TASK_WAITERS, waiter, int(now) .. '\0' .. bell .. '\0' .. request)
  if call('ZSCORE', TASK_LINE, waiter) then return end
  local last = call('ZREVRANGE', TASK_LINE, 0, 0, 'WITHSCORES')
  call('ZADD', TASK_LINE, (last[2] or 0) + 1, waiter)
  task_waiters, dirty = task_waiters + 1, true
end

-- Wakes one waiter for each task that this step has put into the queue and left there.
local function wake_waiters()
  local came, there = arrivals, arrived
  arrived, arrivals = {}, {}
  if #came == 0 or task_waiters == 0 then return end
  local line = {}
  for page = 0, HUGE do
    local ids = call('ZRANGE', TASK_LINE, page * WAITERS_ASKED, (page + 1) * WAITERS_ASKED - 1)
    if #ids == 0 then break end
    for i, text in ipairs(call('HMGET', TASK_WAITERS, unpack(ids))) do
      local seen, bell, request = string.match(text, '^(%d+)%z(%Z*)%z(%Z*)$')
      local match, tags = string.match(request, '^%d+|(%a+)|%d*|(.*)$')
      line[#line + 1] = { id = ids[i], seen = tonumber(seen), bell = bell, match = match, tags = tags or '' }
    end
    -- Only those who have fallen silent let the look go on: they are dropped for good.
    if now - line[#line].seen <= WAITER_SILENCE_MS then break end
  end
  for i = #line, 1, -1 do
    if now - line[i].seen > WAITER_SILENCE_MS then take_bell(table.remove(line, i).id) end
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

  -- A dead one does not count as woken: the next in line is.
  local function wake_for(task)
    local place = 1
    while line[place] do
      local waiter = line[place]
      if wants(waiter, task) then
        table.remove(line, place)
        take_bell(waiter.id)
        if ring(waiter.bell) then return end
      else
        place = place + 1
      end
    end
  end
  for _, task in ipairs(came) do
    if #line == 0 then return end
    if there[task.id] then
      there[task.id] = nil
      wake_for(task)
    end
  end
end
