--[[ agent/rows: what is shown of an agent, as far as the server knows it; part of the agents' scripts.

KEYS         agent_words, agents_left
AGENT_WORDS  name -> idle or blocked, of those who have not deregistered and said so; all others are active
AGENTS_LEFT  name -> when it deregistered; one that is back is still there until prune or register finds it ]]

-- How many live leases on locks and claimed tasks the agent holds.
local function count_held(name)
  local locks, tasks = 0, 0
  for _, member in ipairs(call('ZRANGEBYLEX', HELD, '[' .. name .. '\0', '(' .. name .. '\1')) do
    local subject = string.sub(member, #name + 3)
    if string.sub(member, #name + 2, #name + 2) == 'l' then
      if tonumber(call('ZSCORE', LOCK_DUE, subject) or 0) > now then locks = locks + 1 end
    elseif tonumber(call('ZSCORE', TASK_ORDER, subject) or 0) > now then
      tasks = tasks + 1
    end
  end
  return locks, tasks
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
