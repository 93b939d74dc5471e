--[[ agent/rows: what is shown of an agent, as far as the server knows it; part of the agents' scripts.

KEYS    agent_reported
AGENT_REPORTED  name -> idle or blocked, of those who have not deregistered and said so; all others are active
AGENTS_LEFT  name -> when it deregistered; one that is back is still there until prune finds it ]]

-- Those whose lease is live by its instant in this set: locks as path NUL fence, or tasks by identifier.
local function live_of(members, set)
  local live = {}
  for first = 1, #members, 1000 do
    local some = { unpack(members, first, math.min(first + 999, #members)) }
    for i, due in ipairs(call('ZMSCORE', set, unpack(some))) do
      if tonumber(due or 0) > now then live[#live + 1] = some[i] end
    end
  end
  return live
end

-- How many live leases on locks and claimed tasks the agent holds: all its members without those few that have
-- lapsed and are not swept yet. Where these are not few, each of its own is looked at.
local FEW = 100
local lapsed_in = {}
local function count_held(name)
  local function count_live(kind, next_kind, set)
    local prefix, from, to = name .. '\0' .. kind, '[' .. name .. '\0' .. kind, '(' .. name .. '\0' .. next_kind
    local held = call('ZLEXCOUNT', HELD, from, to)
    if held == 0 then return 0 end
    local lapsed = lapsed_in[set] or call('ZRANGEBYSCORE', set, '-inf', int(now), 'LIMIT', 0, FEW)
    lapsed_in[set] = lapsed
    if #lapsed == 0 then return held end
    local members = {}
    if #lapsed < FEW then
      for i, member in ipairs(lapsed) do members[i] = prefix .. member end
      for _, score in ipairs(call('ZMSCORE', HELD, unpack(members))) do
        if score then held = held - 1 end
      end
      return held
    end
    for i, member in ipairs(call('ZRANGEBYLEX', HELD, from, to)) do members[i] = string.sub(member, #prefix + 1) end
    return #live_of(members, set)
  end
  return count_live('l', 'm', LOCK_DUE), count_live('t', 'u', TASK_ORDER)
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
