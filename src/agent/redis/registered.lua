--[[ agent/registered: since when an agent is there.

AGENTS  see agent/touch ]]

-- The instant of its registration; nil when nobody has that name.
local function registered_at(name)
  local agent = call('HGET', AGENTS, name)
  return agent and cjson.decode(agent).registeredAtMs
end
