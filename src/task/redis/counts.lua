--[[ task/counts: how many tasks there are in each status, corrected by those that time alone has moved on.

Which of the lapsed leases were their tasks' last attempt, the tasks themselves have to say: one operation looks at a bounded
number of them.

NEEDS   task/rows
KEYS    task_later
RULES   task/model: SORTED_AT_ONCE
ARGV    5 how many lapsed leases to pass over, "" at first
RETURN  {"counts":{status: number…},"dead":…,"next":…}: the counts, where all that have lapsed are pending; how many of
        those that were looked at are dead; where to go on, absent at the end
        "" when so many leases have lapsed that sweeps come first ]]
local STATUSES = { 'claimed', 'pending', 'scheduled', 'blocked', 'completed', 'dead', 'cancelled' }
local counts = {}
for i, status in ipairs(STATUSES) do
  counts[status] = call('ZCOUNT', TASK_ORDER, (i - 1) * REGION, '(' .. int(i * REGION))
end
local dead, rest = 0, ''
if now >= task_floor then
  local lapsed = call('ZCOUNT', TASK_ORDER, 0, now)
  if lapsed > SORTED_AT_ONCE and ARGV[5] == '' then return '' end
  local started = call('ZCOUNT', TASK_LATER, '(0', now)
  local first = tonumber(ARGV[5]) or 0
  -- Their leases are the first of all scores.
  local last = math.min(lapsed, first + SORTED_AT_ONCE)
  for _, id in ipairs(first < last and call('ZRANGE', TASK_ORDER, first, last - 1) or {}) do
    local kept = call('HMGET', TASKS, id, id .. 'w')
    local max = string.match(kept[1], '^%[%d+,%d,%d+,(%d+)')
    if cjson.decode(kept[2]).spent >= tonumber(max) then dead = dead + 1 end
  end
  if last < lapsed then rest = ',"next":' .. int(last) end
  counts.scheduled = counts.scheduled - started
  counts.claimed = counts.claimed - lapsed
  counts.pending = counts.pending + started + lapsed
end
return '{"counts":' .. cjson.encode(counts) .. ',"dead":' .. int(dead) .. rest .. '}'
