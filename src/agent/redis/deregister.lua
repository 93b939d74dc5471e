--[[ agent/deregister: ends what the agent holds, a portion per operation, and with the last one the agent.

NEEDS   task/held, lock/end_leases, task/release_tasks
KEYS    agent_reported, agents_left
FLAGS   frees
ARGV    5 name, 6 leases in a portion, 7 where the portion begins, "" at first, 8 and 9 the locks and tasks
        released by the portions before
RETURN  {locks, tasks, fence, atMs, next}: how many it has released by now, the last fence that was handed out, the store's
        clock, and where the next portion begins, "" after the last one; "" when nobody has that name ]]
local NAME = ARGV[5]
local record = call('HGET', AGENTS, NAME)
if not record then return finish('') end
local leases, claimed, following = held_portion(NAME, ARGV[7], ARGV[6], claim_bytes)
local locks = ARGV[8] + #release_leases(NAME, leases)
local tasks = ARGV[9] + #release_tasks(claimed)
local released_counts = '"locks":' .. locks .. ',"tasks":' .. tasks
local seen = following == '' and call('ZSCORE', SEEN, NAME)
if seen then
  local agent = cjson.decode(record)
  agent.goneAtMs, agent.seenAtMs = now, tonumber(seen)
  call('HSET', AGENTS, NAME, cjson.encode(agent))
  call('ZREM', SEEN, NAME)
  call('HDEL', AGENT_REPORTED, NAME)
  call('ZADD', AGENTS_LEFT, int(now), NAME)
  departed_at, dirty = now, true
  emit('agent.deregistered', NAME, NAME, '{' .. released_counts .. '}')
end
return finish('{' .. released_counts .. ',"fence":' .. int(last_fence) .. ',"atMs":' .. int(now) .. ',"next":' .. cjson.encode(following) .. '}', true)
