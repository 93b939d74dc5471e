--[[ task/to_2: brings data of version 1 forward. There a task's spec ended with its payload, if it had one, the state
ended with two identifiers of any length, and three keys had other names. Waiters are forgotten: their programs know
version 1 alone, and come no more.

NEEDS   engine/migrate
KEYS    task_created, agent_words, agent_reported, lock_waiters, lock_line, task_waiters, task_line
ARGV    as engine/migrate
RETURN  as engine/migrate ]]
local CHUNK = 16

-- The spec with an object at its end, see task/rows.
local function with_details(spec)
  local before, payload = string.match(spec, '^([^\n]*\n[^\n]*,\n[^\n]*),\n(.*)%]$')
  if payload then return before .. ',\n{"payload":' .. payload .. '}]' end
  return string.sub(spec, 1, -2) .. ',\n{}]'
end

local function change_specs(place)
  local rows = call('ZRANGEBYSCORE', TASK_CREATED, '(' .. string.format('%.0f', place), '+inf', 'WITHSCORES', 'LIMIT',
    0, RECORDS)
  local fields, bytes, after = {}, 0, nil
  for first = 1, #rows, 2 * CHUNK do
    local ids = {}
    for i = first, math.min(first + 2 * CHUNK, #rows + 1) - 1, 2 do ids[#ids + 1] = rows[i] end
    for i, spec in ipairs(call('HMGET', TASKS, unpack(ids))) do
      if spec then
        fields[#fields + 1], fields[#fields + 2] = ids[i], with_details(spec)
        bytes = bytes + #spec
      end
    end
    after = tonumber(rows[first + 2 * #ids - 1])
    if bytes > BYTES then break end
  end
  if fields[1] then call('HSET', TASKS, unpack(fields)) end
  return after
end

local function of_40(identifier)
  return #identifier == 40 and identifier or string.rep('0', 40)
end

local function rename_keys()
  local reported = call('HGETALL', AGENT_WORDS)
  for first = 1, #reported, 1000 do
    call('HSET', AGENT_REPORTED, unpack(reported, first, math.min(first + 999, #reported)))
  end
  call('DEL', AGENT_WORDS, LOCK_WAITERS, LOCK_LINE, TASK_WAITERS, TASK_LINE)
end

local function renew_state(before)
  local run, history = struct.unpack('ss', before, 121)
  rename_keys()
  -- The numbers of waiters for locks and for tasks are 0 from here on.
  local none = string.rep('\0', 8)
  local numbers = string.sub(before, 1, 48) .. none .. string.sub(before, 57, 72) .. none .. string.sub(before, 81, 120)
  return of_40(run) .. of_40(history) .. numbers
end

return migrate(change_specs, renew_state)
