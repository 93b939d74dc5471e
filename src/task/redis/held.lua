--[[ task/held: what one agent holds of tasks, each by its identifier; agents put it together with what other rooms have.
How all of it is released is in task/release_tasks.

NEEDS   engine/held, lock/held
TASKS, TASK_ORDER  see task/rows ]]

local function count_claims(name)
  return count_in_set(name, 't', TASK_ORDER)
end

-- The length of what is kept of a claimed task, about.
local function claim_bytes(id)
  return call('HSTRLEN', TASKS, id) + call('HSTRLEN', TASKS, id .. 'w')
end

-- The lengths of the leases on these tasks, by their places. Adds the leases on their paths, each path NUL fence, and the
-- lengths of these to lists, if there are any.
local function claim_lengths(ids, leases, lease_lengths)
  local works, lengths = {}, {}
  for i, id in ipairs(ids) do works[i] = id .. 'w' end
  for i, work in ipairs(works[1] and call('HMGET', TASKS, unpack(works)) or {}) do
    -- A quote within a text is written with a backslash, so this is the field.
    lengths[i] = tonumber(work and string.match(work, '"lease":(%d+)'))
    if leases and work and string.find(work, '"locks":', 1, true) then
      local held = cjson.decode(work)
      for _, path in ipairs(held.locks) do
        leases[#leases + 1], lease_lengths[#leases + 1] = path .. '\0' .. int(held.fence), lengths[i]
      end
    end
  end
  return lengths
end

-- Renews the live ones of these claims, with the leases on their paths.
local function renew_claims(ids)
  local leases, lengths = {}, {}
  renew_in_set(TASK_ORDER, ids, claim_lengths(ids, leases, lengths))
  renew_leases_by(leases, lengths)
end

-- Adds to a list those of these claims that lapse soon.
local function add_lapsing_claims(lapsing, ids)
  add_lapsing(lapsing, 'task', TASK_ORDER, ids, claim_lengths(ids), function(id) return id end)
end
