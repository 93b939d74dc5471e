--[[ store/redis_inspect: what can be learned where the namespace lies, in a cluster too. Changes nothing.

KEYS    1 state, 2 a key that nobody ever makes
ARGV    1 a channel that nobody listens to
RETURN  {1 version of the data, "" where there is none, 2 the run of the server that wrote last, 3 INFO, "" where
        the user may not see it, 4.. commands that the user may not run}
KEEPS   each command is tried in a form that does nothing where its key is missing, or is of another type ]]
local state, nothing, channel = KEYS[1], KEYS[2], ARGV[1]

local version, run = '', ''
local raw = redis.call('GET', state)
if raw then
  version = #raw >= 8 and string.format('%.0f', (struct.unpack('>d', raw))) or '0'
  run = string.match(raw, '(' .. string.rep('%x', 40) .. ')%z$') or ''
end

local info = redis.pcall('INFO')
local reply = { version, run, type(info) == 'string' and info or '' }

local function try(command, ...)
  local answer = redis.pcall(command, ...)
  if type(answer) ~= 'table' or not answer.err then return end
  if string.find(answer.err, 'NOPERM', 1, true) or string.find(answer.err, "can't run", 1, true) then
    reply[#reply + 1] = command
  end
end

try('DEL', nothing)
try('GET', nothing)
try('HDEL', nothing, 'f')
try('HEXISTS', nothing, 'f')
try('HGET', nothing, 'f')
try('HGETALL', nothing)
try('HLEN', nothing)
try('HMGET', nothing, 'f')
try('INFO', 'server')
try('PUBLISH', channel, '')
try('SET', nothing, '', 'XX')
try('TIME')
try('XADD', nothing, 'NOMKSTREAM', '*', 'f', '')
try('XINFO', 'STREAM', nothing)
try('XLEN', nothing)
try('XRANGE', nothing, '-', '+', 'COUNT', 1)
try('XREVRANGE', nothing, '+', '-', 'COUNT', 1)
try('ZADD', nothing, 'XX', 0, 'm')
try('ZCARD', nothing)
try('ZCOUNT', nothing, 0, 0)
try('ZLEXCOUNT', nothing, '-', '+')
try('ZMSCORE', nothing, 'm')
try('ZRANGE', nothing, 0, 0)
try('ZRANGEBYLEX', nothing, '-', '+')
try('ZRANGEBYSCORE', nothing, 0, 0)
try('ZREM', nothing, 'm')
try('ZREMRANGEBYLEX', nothing, '-', '+')
try('ZREMRANGEBYSCORE', nothing, 0, 0)
try('ZREVRANGE', nothing, 0, 0)
try('ZREVRANGEBYLEX', nothing, '+', '-')
try('ZSCORE', nothing, 'm')
-- The state is a string, so this fails; without it, it would not.
if raw then try('HSET', state, 'f', '') end
return reply
