--[[ bare/add: adds pending tasks.
KEYS    1 pending, 2 sequence, 3 trace    ARGV  1 prefix of the tasks' keys, then priority and body of each
RETURN  the last one's number ]]
local id
for i = 2, #ARGV, 2 do
  id = redis.call('INCR', KEYS[2])
  redis.call('HSET', ARGV[1] .. id, 'state', 'pending', 'priority', ARGV[i], 'body', ARGV[i + 1])
  redis.call('ZADD', KEYS[1], (9 - ARGV[i]) * 1e12 + id, id)
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', 10000, '*', 'type', 'created', 'id', id)
end
return id
