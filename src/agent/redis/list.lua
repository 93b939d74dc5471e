--[[ agent/list: one agent; or a portion of all, or of those silent for too long and not gone.

NEEDS   agent/rows
ARGV    5 one of get, all and hung
        get: 6 name
        all: 6 cursor as HSCAN has it, "0" at first  7 how many are wanted, about
        hung: 6 where the portion begins, "" at first  7 how many are wanted  8 how long the silence must be
        exceeded  9 how long it may be, or ""
RETURN  {nowMs, agents, next}: of all in any order, and one may come twice; of hung the longest silent first; next is
        where the next portion begins, absent after the last one ]]
local KIND, SUBJECT, PORTION, SILENCE, LONGEST = unpack(ARGV, 5, 9)
local agents, following = {}, nil
if KIND == 'get' then
  local record = call('HGET', AGENTS, SUBJECT)
  if record then agents[1] = shown_agent(SUBJECT, record) end
elseif KIND == 'all' then
  local cursor, records = unpack(call('HSCAN', AGENTS, SUBJECT, 'COUNT', PORTION))
  for i = 1, #records, 2 do agents[#agents + 1] = shown_agent(records[i], records[i + 1]) end
  if cursor ~= '0' then following = cursor end
else
  local from, skip = LONGEST == '' and '-inf' or '(' .. int(now - LONGEST), 0
  if SUBJECT ~= '' then
    -- Behind the last one of the portion before, of those who were heard at the same instant too.
    local at, last = string.match(SUBJECT, '^(%d+) (.*)$')
    from = at
    for _, name in ipairs(call('ZRANGEBYSCORE', SEEN, at, at)) do
      if name <= last then skip = skip + 1 end
    end
  end
  local silent = call('ZRANGEBYSCORE', SEEN, from, '(' .. int(now - SILENCE), 'WITHSCORES', 'LIMIT', skip, PORTION)
  for i = 1, #silent, 2 do
    agents[#agents + 1] = shown_agent(silent[i], call('HGET', AGENTS, silent[i]))
  end
  if #agents == tonumber(PORTION) then following = int(silent[#silent]) .. ' ' .. silent[#silent - 1] end
end
local answer = answer_with(agents)
return following and string.sub(answer, 1, -2) .. ',"next":' .. cjson.encode(following) .. '}' or answer
