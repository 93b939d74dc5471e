--[[ bare/claim: ends a held task, if one is named, and takes the best pending one.
KEYS    1 pending, 2 leases, 3 fence, 4 trace
ARGV    1 prefix of the tasks' keys, 2 owner, 3 now in ms, 4 the task to end or "", 5 "1" to take one
RETURN  {id, fence, body}, or false when none was taken ]]
if ARGV[4] ~= '' then
  redis.call('ZREM', KEYS[2], ARGV[4])
  redis.call('HSET', ARGV[1] .. ARGV[4], 'state', 'done')
  redis.call('XADD', KEYS[4], 'MAXLEN', '~', 10000, '*', 'type', 'done', 'id', ARGV[4], 'by', ARGV[2])
end
if ARGV[5] ~= '1' then return false end
local best = redis.call('ZPOPMIN', KEYS[1])
if #best == 0 then return false end
local id = best[1]
local fence = redis.call('INCR', KEYS[3])
redis.call('HSET', ARGV[1] .. id, 'state', 'claimed', 'owner', ARGV[2], 'fence', fence)
redis.call('ZADD', KEYS[2], ARGV[3] + 300000, id)
redis.call('XADD', KEYS[4], 'MAXLEN', '~', 10000, '*', 'type', 'claimed', 'id', id, 'by', ARGV[2])
return { id, fence, redis.call('HGET', ARGV[1] .. id, 'body') }
