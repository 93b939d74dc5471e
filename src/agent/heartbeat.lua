--[[ agent/heartbeat: renews the agent and every live lease it holds, registering it when it is unknown or has
left; needs agent/rows.

ARGV    5 name, 6 host, 7 pid or "", 8 status to set or "", then workingOn to set, if any
RETURN  {nowMs, agents} ]]
local NAME, HOST, PID, STATUS, WORKING_ON = unpack(ARGV, 5, 9)
beating()(NAME, HOST, PID)
local record = call('HGET', AGENTS, NAME)
if STATUS == 'active' then
  call('HDEL', AGENT_WORDS, NAME)
elseif STATUS ~= '' then
  call('HSET', AGENT_WORDS, NAME, STATUS)
end
if WORKING_ON then
  local agent = cjson.decode(record)
  agent.workingOn = WORKING_ON
  record = cjson.encode(agent)
  call('HSET', AGENTS, NAME, record)
end
return finish(answer_with({ shown_agent(NAME, record) }))
