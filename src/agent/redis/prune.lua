--[[ agent/prune: removes agents that are gone and hold no live lease, the deregistered first.

NEEDS   agent/rows
KEYS    agents_left, agent_words
FLAGS   frees
ARGV    5 most to remove, 6 how long a silent agent counts as there
RETURN  {nowMs, agents}: the removed, as they were ]]
local LIMIT, GONE_AFTER = tonumber(ARGV[5]), tonumber(ARGV[6])
local CHUNK = 100
local removed = {}

-- Removes the agent unless it holds something; tells whether it did.
local function remove(name)
  local record = call('HGET', AGENTS, name)
  local locks, tasks = count_held(name)
  if locks > 0 or tasks > 0 then return false end
  removed[#removed + 1] = shown_agent(name, record)
  call('HDEL', AGENTS, name)
  call('ZREM', SEEN, name)
  call('ZREM', AGENTS_LEFT, name)
  call('HDEL', AGENT_WORDS, name)
  emit('agent.pruned', name, ACTOR)
  return true
end

-- Goes through the names of a set up to an instant, by that instant.
local function remove_from(set, instant, is_back)
  local kept, names = 0, nil
  repeat
    names = call('ZRANGEBYSCORE', set, '-inf', int(instant), 'LIMIT', kept, CHUNK)
    for _, name in ipairs(names) do
      if #removed == LIMIT then return end
      if is_back and is_back(name) then
        call('ZREM', set, name)
      elseif not remove(name) then
        kept = kept + 1
      end
    end
  until #names < CHUNK
end

remove_from(AGENTS_LEFT, now, function(name)
  return call('ZSCORE', SEEN, name)
end)
remove_from(SEEN, now - GONE_AFTER)
return finish(answer_with(removed), true)
