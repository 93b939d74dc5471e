--[[ agent/heartbeat: a sign of life that also renews what the agent holds, a portion per operation; registers a name that is
unknown or has left.

NEEDS   agent/rows
KEYS    agent_reported
FLAGS   frees
ARGV    5 name, 6 host, 7 pid or "", 8 leases in a portion, 9 where the portion begins, "" at first,
        10 status to set or "", then workingOn to set, if any
RETURN  {nowMs, agents} after the last portion, before it {next}: where the next one begins
KEEPS   a lease that has lapsed is never brought back, and none gets shorter. ]]
local NAME, HOST, PID, PORTION, FROM, STATUS, WORKING_ON = unpack(ARGV, 5, 11)
touch(NAME, HOST, PID)
local record = call('HGET', AGENTS, NAME)
if STATUS == 'active' then
  call('HDEL', AGENT_REPORTED, NAME)
elseif STATUS ~= '' then
  call('HSET', AGENT_REPORTED, NAME, STATUS)
end
if WORKING_ON then
  local agent = cjson.decode(record)
  agent.workingOn = WORKING_ON
  record = cjson.encode(agent)
  call('HSET', AGENTS, NAME, record)
end

local leases, tasks, following = held_portion(NAME, FROM, PORTION, claim_bytes)
renew_leases(leases)
renew_claims(tasks)

if following ~= '' then return finish('{"next":' .. cjson.encode(following) .. '}') end
return finish(answer_with({ shown_agent(NAME, record) }))
