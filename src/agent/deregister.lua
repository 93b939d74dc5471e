--[[ agent/deregister: ends the agent and every lease it holds; needs lock/give_back and task/give_back.

KEYS    agent_words, agents_left, and those of the parts
ARGV    5 name
RETURN  {locks, tasks}: how many it gave back; "" when nobody has that name ]]
local NAME = ARGV[5]
local record = call('HGET', AGENTS, NAME)
if not record then return finish('') end
local locks, tasks = #release_everything(NAME), #release_tasks_of(NAME)
local given_back = '{"locks":' .. locks .. ',"tasks":' .. tasks .. '}'
local seen = call('ZSCORE', SEEN, NAME)
if seen then
  local agent = cjson.decode(record)
  agent.goneAtMs, agent.seenAtMs = now, tonumber(seen)
  call('HSET', AGENTS, NAME, cjson.encode(agent))
  call('ZREM', SEEN, NAME)
  call('HDEL', AGENT_WORDS, NAME)
  call('ZADD', AGENTS_LEFT, int(now), NAME)
  departed_at, dirty = now, true
  emit('agent.deregistered', NAME, NAME, given_back)
end
return finish(given_back, true)
