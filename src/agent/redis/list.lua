--[[ agent/list: one agent, all, or those silent for too long and not gone.

NEEDS   agent/rows
ARGV    5 one of get, all and hung
        get: 6 name   hung: 6 how long the silence must be exceeded, 7 how long it may be
RETURN  {nowMs, agents}: of hung the longest silent first ]]
local KIND, SUBJECT, LONGEST = ARGV[5], ARGV[6], ARGV[7]
local agents = {}
if KIND == 'get' then
  local record = call('HGET', AGENTS, SUBJECT)
  if record then agents[1] = shown_agent(SUBJECT, record) end
elseif KIND == 'all' then
  local records = call('HGETALL', AGENTS)
  for i = 1, #records, 2 do agents[#agents + 1] = shown_agent(records[i], records[i + 1]) end
else
  local from = LONGEST == '' and '-inf' or '(' .. int(now - LONGEST)
  for _, name in ipairs(call('ZRANGEBYSCORE', SEEN, from, '(' .. int(now - SUBJECT))) do
    agents[#agents + 1] = shown_agent(name, call('HGET', AGENTS, name))
  end
end
return answer_with(agents)
