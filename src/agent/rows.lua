--[[ agent/rows: what is shown of an agent, as far as the server knows it; part of the agents' scripts.

KEYS         agent_words, agents_left
AGENT_WORDS  name -> idle or blocked, of those who have not deregistered and said so; all others are active
AGENTS_LEFT  name -> when it deregistered; one that is back is still there until prune finds it ]]

-- The paths with fences (kind l), or the tasks (kind t), whose lease is live by its instant in this set.
local function live_of(name, kind, set)
  local live = {}
  local from, to = name .. '\0' .. kind, name .. '\0' .. string.char(string.byte(kind) + 1)
  for _, member in ipairs(call('ZRANGEBYLEX', HELD, '[' .. from, '(' .. to)) do
    local subject = string.sub(member, #from + 1)
    if tonumber(call('ZSCORE', set, subject) or 0) > now then live[#live + 1] = subject end
  end
  return live
end

-- The identifiers of the tasks that the agent has claimed.
local function tasks_held_by(name)
  return live_of(name, 't', TASK_ORDER)
end

-- How many live leases on locks and claimed tasks the agent holds.
local function count_held(name)
  return #live_of(name, 'l', LOCK_DUE), #tasks_held_by(name)
end

-- The agent as JSON; its record goes in as it is kept.
local function shown_agent(name, record)
  local seen = call('ZSCORE', SEEN, name)
  local locks, tasks = count_held(name)
  return '{"name":"' .. name .. '","record":' .. record ..
    (seen and ',"seenAtMs":' .. int(seen) or '') ..
    ',"status":"' .. (call('HGET', AGENT_WORDS, name) or 'active') ..
    '","locks":' .. locks .. ',"tasks":' .. tasks .. '}'
end

-- An answer about these, each as JSON.
local function answer_with(agents)
  return '{"nowMs":' .. int(now) .. ',"agents":[' .. table.concat(agents, ',') .. ']}'
end
