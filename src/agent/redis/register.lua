--[[ agent/register: registers a name that is new, lapsed, gone, or on this host known by its acts alone.

NEEDS   agent/rows
KEYS    agent_reported
ARGV    5 name, 6 host, 7 pid or "", 8 id of the registration, 9 ttl, 10 1 to take the name even when it
        lives, 11 how long a silent agent counts as there, then names and values of what else to set
RETURN  {nowMs, agents, taken?} with the one who has the name now
KEEPS   a live name is nobody else's; an agent keeps its id as long as it is known. ]]
local NAME, HOST, PID, ID, TTL, TAKEOVER, GONE_AFTER = unpack(ARGV, 5, 11)
local record = call('HGET', AGENTS, NAME)
local known = record and cjson.decode(record)

local function is_live()
  local seen = tonumber(call('ZSCORE', SEEN, NAME) or -HUGE)
  if now >= seen + known.ttlMs or now - seen >= tonumber(GONE_AFTER) then return false end
  -- Known by its acts alone, and from here: most likely the very one that now introduces itself.
  return known.registration ~= nil or known.host ~= HOST
end

if not known or known.registration ~= ID then
  local live = known and is_live()
  if live and TAKEOVER == '' then
    return finish('{"taken":true,' .. string.sub(answer_with({ shown_agent(NAME, record) }), 2))
  end
  local agent = { id = ID, role = '', workingOn = '', tags = '[]' }
  for field in pairs(agent) do agent[field] = known and known[field] or agent[field] end
  if known and not known.goneAtMs then agent.worker = known.worker end
  for i = 12, #ARGV, 2 do agent[ARGV[i]] = ARGV[i + 1] end
  agent.registration, agent.host, agent.pid, agent.ttlMs, agent.registeredAtMs = ID, HOST, tonumber(PID),
    tonumber(TTL), now
  record = cjson.encode(agent)
  call('HSET', AGENTS, NAME, record)
  call('ZADD', SEEN, int(now), NAME)
  call('HDEL', AGENT_REPORTED, NAME)
  emit('agent.registered', NAME, NAME, live and '{"takeover":true}')
end
return finish(answer_with({ shown_agent(NAME, record) }), true)
