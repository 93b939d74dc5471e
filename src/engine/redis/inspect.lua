--[[ engine/inspect: what can be learned where the namespace lies, in a cluster too. Changes nothing.

KEYS    1 state, 2 a key that nobody ever makes, 3 listeners, see engine/state
ARGV    1 a channel that nobody listens to, 2 the version of the data that the program knows
RETURN  {1 version of the data, "" where there is none, 2 the history of writes that they were last in, "" where it
        is not known, 3 their instant, 4 the server's clock when that was kept, 5 and now, in ms, 6 INFO, "" where
        the user may not see it, 7 when the numbers last left a gap, "" for never, 8.. commands that the user may not run}
KEEPS   each command is tried in a form that does nothing where its key is missing, or is of another type ]]
local state, nothing, listeners, channel, SCHEMA = KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2]

local function int(number)
  return string.format('%.0f', number)
end

local version, history, instant, wall = '', '', 0, 0
local raw = redis.call('GET', state)
if raw then
  version = #raw >= 8 and tostring((struct.unpack('>d', raw))) or '0'
  -- See engine/state; another version's is another.
  if version == SCHEMA and #raw >= 208 then
    history, instant, wall = string.sub(raw, 49, 88), struct.unpack('>d', raw, 89), struct.unpack('>d', raw, 193)
    if history == string.rep('0', 40) then history = '' end
  end
end

local time = redis.call('TIME')
local info = redis.pcall('INFO')
local restored = redis.pcall('HGET', listeners, ' restored')
local reply = { version, history, int(instant), int(wall), int(time[1] * 1000 + time[2] / 1000),
  type(info) == 'string' and info or '', type(restored) == 'string' and restored or '' }

local function try(command, ...)
  local answer = redis.pcall(command, ...)
  if type(answer) ~= 'table' or not answer.err then return end
  -- In the words of versions 6.2, 7.0 and 7.2.
  if string.find(answer.err, 'NOPERM', 1, true) or string.find(answer.err, "can't run", 1, true) or
    string.find(answer.err, 'ACL failure.* to run the ') then
    reply[#reply + 1] = command
  end
end

try('DEL', nothing)
try('EXISTS', nothing)
try('GET', nothing)
try('HDEL', nothing, 'f')
try('HEXISTS', nothing, 'f')
try('HGET', nothing, 'f')
try('HGETALL', nothing)
try('HLEN', nothing)
try('HMGET', nothing, 'f')
try('HSCAN', nothing, 0)
try('HSTRLEN', nothing, 'f')
try('INFO', 'replication')
try('PEXPIRE', nothing, 1)
try('PUBLISH', channel, '')
try('SET', nothing, '', 'XX')
try('TIME')
try('XADD', nothing, 'NOMKSTREAM', '*', 'f', '')
try('XDEL', nothing, '0-1')
try('XINFO', 'STREAM', nothing)
try('XLEN', nothing)
try('XRANGE', nothing, '-', '+', 'COUNT', 1)
try('XREVRANGE', nothing, '+', '-', 'COUNT', 1)
try('XSETID', nothing, '0-1')
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
-- The state is a string, so these fail; without it, they would not.
if raw then
  try('HINCRBY', state, 'f', 1)
  try('HSET', state, 'f', '')
  try('HSETNX', state, 'f', '')
end
return reply
