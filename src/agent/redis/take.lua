--[[ agent/take: takes agents of another store over. Where both stores have heard of a name, the later word counts.

KEYS    agent_reported, agents_left
ARGV    5.. of each agent: its name, its record as AGENTS keeps it, or "" if it was removed; its last sign of life;
        when it deregistered, or "" if it has not; what it reports of itself. Of a removed one the instants are when that was
RETURN  ""
KEEPS   a removed agent that holds something stays. ]]
local FIELDS = 5

-- When the agent was last heard of here, or left; and whether it is still there.
local function last_word(name)
  local seen = call('ZSCORE', SEEN, name)
  if seen then return tonumber(seen), true end
  local known = call('HGET', AGENTS, name)
  return known and cjson.decode(known).goneAtMs or -HUGE, false
end

local function remove(name)
  local first = '[' .. name .. '\0'
  if call('ZLEXCOUNT', HELD, first, '(' .. name .. '\1') > 0 then return end
  call('HDEL', AGENTS, name)
  call('ZREM', SEEN, name)
  call('ZREM', AGENTS_LEFT, name)
  call('HDEL', AGENT_REPORTED, name)
end

local function take(name, record, seen, left, status)
  call('HSET', AGENTS, name, record)
  if left == '' then
    call('ZADD', SEEN, seen, name)
    call('ZREM', AGENTS_LEFT, name)
  else
    call('ZREM', SEEN, name)
    call('ZADD', AGENTS_LEFT, left, name)
  end
  if left == '' and status ~= 'active' then
    call('HSET', AGENT_REPORTED, name, status)
  else
    call('HDEL', AGENT_REPORTED, name)
  end
end

for first = 5, #ARGV, FIELDS do
  local name, record, seen, left, status = unpack(ARGV, first, first + FIELDS - 1)
  local told = tonumber(left == '' and seen or left)
  local known, is_here = last_word(name)
  if told >= known then
    if record == '' then remove(name) else take(name, record, seen, left, status) end
    -- Whose sign of life is not due may be one of those who are not there any more.
    if is_here and left ~= '' then departed_at, dirty = now, true end
    if told > now then now, dirty = told, true end
  end
end
return finish('')
