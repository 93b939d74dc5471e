--[[ agent/touch: the heartbeat that every acting step implies, see store/begin; part of every script.

AGENTS  name -> JSON {id, registration?, role, workingOn, tags (JSON as text), host, pid?, ttlMs,
        registeredAtMs, goneAtMs?, seenAtMs?}; seenAtMs stands in for SEEN once an agent has left
SEEN    name -> last heartbeat, of every agent that has not deregistered
HELD    members of score 0: name NUL l path NUL fence for a lease on a lock, name NUL t id for a claimed task;
        LOCK_DUE has path NUL fence -> when it lapses, TASK_ORDER id -> when it lapses (see task/order)
KEEPS   a lease that has lapsed is never brought back. ]]

-- Returns touch and renew_held. One function around all of them, because a script pays for every function
-- that it defines, and most have no use for these.
local function beating()
  -- Extends every live lease of the agent by its own length, counted from now.
  local function renew_held(name)
    for _, member in ipairs(call('ZRANGEBYLEX', HELD, '[' .. name .. '\0', '(' .. name .. '\1')) do
      local kind, subject = string.sub(member, #name + 2, #name + 2), string.sub(member, #name + 3)
      if kind == 'l' then
        local due = tonumber(call('ZSCORE', LOCK_DUE, subject) or 0)
        if due > now then
          local path, tenure = string.match(subject, '^(.*)%z(%d+)$')
          for _, lease in ipairs(cjson.decode(call('HGET', LOCKS, path))) do
            if int(lease.fence) == tenure and now + lease.ttl > due then
              call('ZADD', LOCK_DUE, int(now + lease.ttl), subject)
            end
          end
        end
      else
        local due = tonumber(call('ZSCORE', TASK_ORDER, subject) or 0)
        if due > now then
          local lease = cjson.decode(call('HGET', TASKS, subject .. 'w')).lease
          if now + lease > due then call('ZADD', TASK_ORDER, int(now + lease), subject) end
        end
      end
    end
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

  -- Counts as the agent's heartbeat; registers a name that is unknown or has left.
  local function touch(name, host, pid)
    if call('ZSCORE', SEEN, name) then
      call('ZADD', SEEN, int(now), name)
      return renew_held(name)
    end
    local known = call('HGET', AGENTS, name)
    local agent = known and cjson.decode(known) or
      { role = '', workingOn = '', tags = '[]', ttlMs = 60000, id = sequenced_id('agt', now, event + 1) }
    agent.registration, agent.goneAtMs, agent.seenAtMs = nil, nil, nil
    agent.host, agent.pid, agent.registeredAtMs = host, tonumber(pid), now
    call('HSET', AGENTS, name, cjson.encode(agent))
    call('ZADD', SEEN, int(now), name)
    emit('agent.registered', name, name)
  end

  return touch, renew_held
end
