--[[ task/held: what one agent holds of tasks, each by its identifier; agents put it together with what other rooms have.
How all of it is released is in task/release_tasks.

NEEDS   engine/held
TASKS, TASK_ORDER  see task/rows ]]

local function count_claims(name)
  return count_in_set(name, 't', TASK_ORDER)
end

-- The length of what is kept of a claimed task, about.
local function claim_bytes(id)
  return call('HSTRLEN', TASKS, id) + call('HSTRLEN', TASKS, id .. 'w')
end

-- The lengths of the leases on these tasks, by their places.
local function claim_lengths(ids)
  local works, lengths = {}, {}
  for i, id in ipairs(ids) do works[i] = id .. 'w' end
  for i, work in ipairs(works[1] and call('HMGET', TASKS, unpack(works)) or {}) do
    -- A quote within a text is written with a backslash, so this is the field.
    lengths[i] = tonumber(work and string.match(work, '"lease":(%d+)'))
  end
  return lengths
end

-- Renews the live ones of these claims.
local function renew_claims(ids)
  renew_in_set(TASK_ORDER, ids, claim_lengths(ids))
end

-- Adds to a list those of these claims that lapse soon.
local function add_lapsing_claims(lapsing, ids)
  add_lapsing(lapsing, 'task', TASK_ORDER, ids, claim_lengths(ids), function(id) return id end)
end
