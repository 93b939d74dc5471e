--[[ task/counts: how many tasks there are in each status, corrected by those that time alone has moved on.

NEEDS   task/rows
KEYS    task_later
RETURN  {status: number…}; "" when so many leases have lapsed that sweeps come first ]]
local MANY = 1000
local STATUSES = { 'claimed', 'pending', 'scheduled', 'blocked', 'completed', 'dead', 'cancelled' }
local counts = {}
for i, status in ipairs(STATUSES) do
  counts[status] = call('ZCOUNT', TASK_ORDER, (i - 1) * REGION, '(' .. int(i * REGION))
end
if now >= task_floor then
  if call('ZCOUNT', TASK_ORDER, 0, now) > MANY then return '' end
  local started = call('ZCOUNT', TASK_LATER, '(0', now)
  local lapsed = call('ZRANGEBYSCORE', TASK_ORDER, 0, now)
  local dead = 0
  for _, id in ipairs(lapsed) do
    local kept = call('HMGET', TASKS, id, id .. 'w')
    local max = string.match(kept[1], '^%[%d+,%d,%d+,(%d+)')
    if cjson.decode(kept[2]).spent >= tonumber(max) then dead = dead + 1 end
  end
  counts.scheduled = counts.scheduled - started
  counts.claimed = counts.claimed - #lapsed
  counts.dead = counts.dead + dead
  counts.pending = counts.pending + started + #lapsed - dead
end
return cjson.encode(counts)
