--[[ lock/line: the queue of those who wait for locks.

NEEDS   lock/rows
KEYS    lock_waiters, lock_line
LOCK_WAITERS  waiter's id -> JSON {seq, id, agent, mode, paths, bell, seen, called?}
LOCK_LINE     path NUL seq NUL id, by name: who waits for each path, in the order they came
KEEPS         a request is granted when no live lease and no earlier live waiter conflicts with it. Whoever ends a
              lease calls the first waiters that it may free; one that does not come within CALL_MS, or was not
              seen for SILENCE_MS, stands in nobody's way. ]]
local CALL_MS = 250
local CALLS = 64

local function find_waiter(id)
  local record = call('HGET', LOCK_WAITERS, id)
  return record and cjson.decode(record)
end

local function place_of(waiter, path)
  return path .. '\0' .. string.format('%016.0f', waiter.seq) .. '\0' .. waiter.id
end

local function save_waiter(waiter)
  call('HSET', LOCK_WAITERS, waiter.id, cjson.encode(waiter))
  dirty = true
end

local function remove_waiter(waiter)
  call('HDEL', LOCK_WAITERS, waiter.id)
  for _, path in ipairs(waiter.paths) do call('ZREM', LOCK_LINE, place_of(waiter, path)) end
  lock_waiters, dirty = lock_waiters - 1, true
end

-- Adds to waiters, by seq, those whom the path concerns.
local function gather_waiters(waiters, path)
  local places = {}
  for _, name in ipairs(names_over(path)) do
    for _, member in ipairs(call('ZRANGEBYLEX', LOCK_LINE, '[' .. name .. '\0', '(' .. name .. '\1', 'LIMIT', 0, CALLS)) do
      places[#places + 1] = member
    end
  end
  for _, member in ipairs(members_below(LOCK_LINE, path)) do
    if covers(path, string.match(member, '^(%Z*)')) then places[#places + 1] = member end
  end
  for _, member in ipairs(places) do
    local seq, id = string.match(member, '%z(%d+)%z(.*)$')
    seq = tonumber(seq)
    if not waiters[seq] then
      waiters[seq] = find_waiter(id)
      waiters[#waiters + 1] = nil
    end
  end
end

-- The first waiters that the paths concern, in the order they came.
local function waiters_on(paths)
  local by_seq, seqs, waiters = {}, {}, {}
  for _, path in ipairs(paths) do gather_waiters(by_seq, path) end
  for seq in pairs(by_seq) do seqs[#seqs + 1] = seq end
  table.sort(seqs)
  for i = 1, math.min(#seqs, CALLS) do waiters[i] = by_seq[seqs[i]] end
  return waiters
end

-- Whether others have to wait behind this waiter now.
local function stands_in_line(waiter)
  if now - waiter.seen > SILENCE_MS then return false end
  return not waiter.called or now - waiter.called <= CALL_MS
end

local function kept_back_by(earlier, waiter)
  for _, other in ipairs(earlier) do
    if modes_conflict(other.mode, waiter.mode) then
      for _, theirs in ipairs(other.paths) do
        for _, mine in ipairs(waiter.paths) do
          if covers(theirs, mine) or covers(mine, theirs) then return true end
        end
      end
    end
  end
  return false
end

-- Calls, in order, each waiter that may go now that these paths changed. Dead ones drop out on the way.
local function call_waiters(paths)
  if lock_waiters == 0 then return end
  local earlier = {}
  for _, waiter in ipairs(waiters_on(paths)) do
    local silent = now - waiter.seen > SILENCE_MS
    -- Called before and never came: it keeps its place, but nobody waits for it.
    if silent or stands_in_line(waiter) then
      local kept_back = kept_back_by(earlier, waiter)
      if silent or not (kept_back or ring(waiter.bell)) then
        remove_waiter(waiter)
      else
        earlier[#earlier + 1] = waiter
        if not kept_back and not waiter.called then
          waiter.called = now
          save_waiter(waiter)
        end
      end
    end
  end
end
