--[[ agent/summary: how many agents there are of each status.

KEYS    agent_reported
ARGV    5 silence from which on an agent is gone, 6 silence past which it is hung
RETURN  {active, idle, blocked, hung, gone} ]]
local CHUNK = 1000
local awake_from = now - ARGV[6]
local here = call('ZCOUNT', SEEN, '(' .. int(now - ARGV[5]), '+inf')
local awake = call('ZCOUNT', SEEN, int(awake_from), '+inf')
local gone = call('HLEN', AGENTS) - here
local counts = { active = awake, idle = 0, blocked = 0, hung = here - awake, gone = gone }

-- Few as a rule: those whose word is not "active".
local reported = call('HGETALL', AGENT_REPORTED)
for first = 1, #reported, CHUNK * 2 do
  local names = {}
  for i = first, math.min(first + CHUNK * 2, #reported) - 1, 2 do names[#names + 1] = reported[i] end
  for i, seen in ipairs(call('ZMSCORE', SEEN, unpack(names))) do
    if seen and tonumber(seen) >= awake_from then
      local word = reported[first + i * 2 - 1]
      counts[word], counts.active = counts[word] + 1, counts.active - 1
    end
  end
end
return cjson.encode(counts)
