--[[ agent/prune: removes agents that are gone and hold no live lease, the deregistered first.

NEEDS   agent/rows
KEYS    agents_left, agent_reported
RULES   agent/model: AGENTS_LOOKED_AT
FLAGS   frees
ARGV    5 most to remove, 6 how long a silent agent counts as there, 7 where the portion begins, "" at first
RETURN  {nowMs, agents: the removed, as they were, next: where the next portion begins, absent after the last one} ]]
local LIMIT, GONE_AFTER = tonumber(ARGV[5]), tonumber(ARGV[6])
local CHUNK = 64
-- Of those who are kept, in this set: a portion begins behind them.
local SET, KEPT = string.match(ARGV[7], '^(%a)(%d+)$')
local removed, looked, following = {}, 0, nil

-- Removes the agent unless it holds something; answers whether it did.
local function remove(name)
  local record = call('HGET', AGENTS, name)
  local locks, tasks = count_held(name)
  if locks > 0 or tasks > 0 then return false end
  removed[#removed + 1] = shown_agent(name, record)
  call('HDEL', AGENTS, name)
  call('ZREM', SEEN, name)
  call('ZREM', AGENTS_LEFT, name)
  call('HDEL', AGENT_REPORTED, name)
  emit('agent.pruned', name, ACTOR)
  return true
end

-- Goes through the names of a set up to an instant, by that instant.
local function remove_from(kind, set, instant, is_back)
  if following then return end
  local kept, names = SET == kind and tonumber(KEPT) or 0, nil
  repeat
    names = call('ZRANGEBYSCORE', set, '-inf', int(instant), 'LIMIT', kept, CHUNK)
    for _, name in ipairs(names) do
      if #removed == LIMIT or looked == AGENTS_LOOKED_AT then
        following = kind .. kept
        return
      end
      looked = looked + 1
      if is_back and is_back(name) then
        call('ZREM', set, name)
      elseif not remove(name) then
        kept = kept + 1
      end
    end
  until #names < CHUNK
end

if SET ~= 's' then
  remove_from('l', AGENTS_LEFT, now, function(name)
    return call('ZSCORE', SEEN, name)
  end)
end
remove_from('s', SEEN, now - GONE_AFTER)
local answer = answer_with(removed)
return finish(string.sub(answer, 1, -2) .. (following and ',"next":"' .. following .. '"' or '') .. '}', true)
