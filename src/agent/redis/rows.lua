--[[ agent/rows: what is shown of an agent, as far as the server knows it; part of the agents' scripts.

NEEDS   lock/held, task/held
KEYS    agent_reported
AGENT_REPORTED  name -> idle or blocked, of those who have not deregistered and said so; all others are active
AGENTS_LEFT  name -> when it deregistered; one that is back is still there until prune finds it ]]

-- How many live leases on locks and claimed tasks the agent holds.
local function count_held(name)
  return count_leases(name), count_claims(name)
end

-- The agent as JSON; its record goes in as it is kept.
local function shown_agent(name, record)
  local seen = call('ZSCORE', SEEN, name)
  local locks, tasks = count_held(name)
  return '{"name":"' .. name .. '","record":' .. record ..
    (seen and ',"seenAtMs":' .. int(seen) or '') ..
    ',"status":"' .. (call('HGET', AGENT_REPORTED, name) or 'active') ..
    '","locks":' .. locks .. ',"tasks":' .. tasks .. '}'
end

-- An answer about these, each as JSON.
local function answer_with(agents)
  return '{"nowMs":' .. int(now) .. ',"agents":[' .. table.concat(agents, ',') .. ']}'
end
