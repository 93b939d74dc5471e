--[[ agent/touch: the sign of life that every acting operation is, see engine/begin; part of every script.

AGENTS  name -> JSON {id, registration?, role, workingOn, tags (JSON as text), host, pid?, ttlMs,
        registeredAtMs, goneAtMs?, seenAtMs?, worker? (JSON as text)}; seenAtMs stands in for SEEN once an agent has left
SEEN    name -> last sign of life, of every agent that has not deregistered
HELD    members of score 0: name NUL l path NUL fence for a lease on a lock, name NUL t id for a claimed task;
        LOCK_DUE has path NUL fence -> when it lapses, TASK_ORDER id -> when it lapses (see task/rows)
KEEPS   no lease is longer for it: whoever lost track of one must not keep it alive by going on.

RULES   agent/model: DEFAULT_AGENT_TTL_MS ]]

-- Marks that the agent lives; registers a name that is unknown or has left.
local function touch(name, host, pid)
  if call('ZSCORE', SEEN, name) then
    call('ZADD', SEEN, int(now), name)
    return
  end

  -- An identifier from the instant and the number of the event that tells of it, as other streams have.
  local function sequenced_id(prefix, at, number)
    local digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
    local function encode(value, length)
      local text = ''
      while #text < length do
        local digit = value % 32 + 1
        text = string.sub(digits, digit, digit) .. text
        value = math.floor(value / 32)
      end
      return text
    end
    return prefix .. '_' .. encode(at, 10) .. encode(number, 16)
  end

  local known = call('HGET', AGENTS, name)
  local agent = known and cjson.decode(known) or
    { role = '', workingOn = '', tags = '[]', ttlMs = DEFAULT_AGENT_TTL_MS, id = sequenced_id('agt', now, last_event + 1) }
  agent.registration, agent.goneAtMs, agent.seenAtMs, agent.worker = nil, nil, nil, nil
  agent.host, agent.pid, agent.registeredAtMs = host, tonumber(pid), now
  call('HSET', AGENTS, name, cjson.encode(agent))
  call('ZADD', SEEN, int(now), name)
  emit('agent.registered', name, name)
end
