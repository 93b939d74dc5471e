--[[ engine/held: what an agent holds, a portion a step: the server serves nobody else meanwhile.

HELD  see agent/touch; LOCKS see lock/rows, TASKS task/rows ]]

-- Of the texts of tasks, about as much as one step reads.
local HELD_BYTES = 2097152

-- At most `count` of what the agent holds, behind `from` ("" at first): leases on locks as path NUL fence, claimed
-- tasks by identifier, and where the next portion begins, "" after the last one.
local function held_portion(name, from, count)
  local first = from == '' and '[' .. name .. '\0' or '(' .. name .. '\0' .. from
  local members = call('ZRANGEBYLEX', HELD, first, '(' .. name .. '\1', 'LIMIT', 0, count)
  local leases, tasks = {}, {}
  for _, member in ipairs(members) do
    local some = string.sub(member, #name + 2, #name + 2) == 'l' and leases or tasks
    some[#some + 1] = string.sub(member, #name + 3)
  end
  local bytes = 0
  for i = 1, #tasks - 1 do
    local id = tasks[i]
    bytes = bytes + call('HSTRLEN', TASKS, id) + call('HSTRLEN', TASKS, id .. 'w')
    if bytes > HELD_BYTES then return leases, { unpack(tasks, 1, i) }, 't' .. id end
  end
  return leases, tasks, #members == tonumber(count) and string.sub(members[#members], #name + 2) or ''
end

-- When each lapses, by this set; 0 for one that is not in it.
local function instants(set, members)
  if #members == 0 then return {} end
  local all = call('ZMSCORE', set, unpack(members))
  for i, due in ipairs(all) do all[i] = tonumber(due or 0) end
  return all
end

-- The lengths of these leases on locks, by their places.
local function lock_lengths(leases)
  local paths, fences, lengths = {}, {}, {}
  for i, member in ipairs(leases) do paths[i], fences[i] = string.match(member, '^(.*)%z(%d+)$') end
  for i, kept in ipairs(paths[1] and call('HMGET', LOCKS, unpack(paths)) or {}) do
    for _, lease in ipairs(kept and cjson.decode(kept) or {}) do
      if int(lease.fence) == fences[i] then lengths[i] = lease.ttl end
    end
  end
  return lengths
end

-- The lengths of the leases on these tasks, by their places.
local function task_lengths(tasks)
  local works, lengths = {}, {}
  for i, id in ipairs(tasks) do works[i] = id .. 'w' end
  for i, work in ipairs(works[1] and call('HMGET', TASKS, unpack(works)) or {}) do
    -- A quote within a text is written with a backslash, so this is the field.
    lengths[i] = tonumber(work and string.match(work, '"lease":(%d+)'))
  end
  return lengths
end
