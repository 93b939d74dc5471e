--[[ task/largest: the largest of some tasks, the newest first, by the size of what is kept of each.

KEYS    task_created
RULES   task/model: OLDER_KEPT, TASKS_SIZED
ARGV    5 number of creation before which to begin, "" for the newest
RETURN  {"id":…,"bytes":…,"looked":…,"next":…}; id is absent when there was none, next at the end ]]
-- Fields that one operation looks at, and bytes that it reads. Lengths alone cost a few microseconds each.
local FIELDS, BYTES = 4000, 1048576
local below = ARGV[5] == '' and '+inf' or '(' .. ARGV[5]
local found = call('ZRANGE', TASK_CREATED, below, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, TASKS_SIZED, 'WITHSCORES')
local fields, read, most, largest, looked, next_before = 0, 0, -1, nil, 0, nil

local function length(field)
  fields = fields + 1
  return call('HSTRLEN', TASKS, field)
end

for i = 1, #found, 2 do
  local id = found[i]
  local work = length(id .. 'w')
  local bytes = length(id) + work + length(id .. 'r')
  if work > 0 then
    read = read + work
    local older = tonumber(string.match(call('HGET', TASKS, id .. 'w'), '"older":(%d+)') or 0)
    for n = math.max(1, older - OLDER_KEPT + 1), older do bytes = bytes + length(id .. 'a' .. n) end
  end
  looked = looked + 1
  if bytes > most then largest, most = id, bytes end
  if looked == TASKS_SIZED or fields >= FIELDS or read >= BYTES then
    next_before = found[i + 1]
    break
  end
end
if not largest then return '{"bytes":0,"looked":0}' end
return '{"id":"' .. largest .. '","bytes":' .. int(most) .. ',"looked":' .. looked ..
  (next_before and ',"next":' .. int(tonumber(next_before)) or '') .. '}'
