--[[ agent/assign: notes where an agent can be found, unless something else was noted meanwhile.

NEEDS   agent/rows
ARGV    5 name, 6 what is expected to be noted, "" for nothing, 7 what to note, both as JSON
RETURN  {nowMs, agents} as it is then; "" when nobody has that name
KEEPS   it is no sign of life: somebody else may note it. ]]
local NAME, EXPECTED, WORKER = unpack(ARGV, 5, 7)
local record = call('HGET', AGENTS, NAME)
if not record then return finish('') end
local agent = cjson.decode(record)
if (agent.worker or '') == EXPECTED then
  agent.worker = WORKER
  record = cjson.encode(agent)
  call('HSET', AGENTS, NAME, record)
end
return finish(answer_with({ shown_agent(NAME, record) }))
