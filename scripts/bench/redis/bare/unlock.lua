--[[ bare/unlock: frees a lock that the caller still holds.
KEYS    1 lock    ARGV  1 owner    RETURN  1 when it was held by the owner, else 0 ]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
