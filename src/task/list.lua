--[[ task/list: tasks in the order of their creation, as everybody sees them at this moment.

A list merges what lies in the regions it asks for. Where only the tasks themselves can tell which are
meant, and where they are large, one step looks at a bounded stretch of them and answers where to go on.

KEYS    task_later
ARGV    5 status or ""  6 tags, joined by commas  7 any|all  8 holder or ""  9 creator or ""  10 limit
        11 number of creation after which to begin
RETURN  {"tasks":[…],"next":…}; next is the number to go on after, absent at the end ]]
local STATUS, TAGS, MATCH, HOLDER, BY = ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9]
local LIMIT, AFTER = tonumber(ARGV[10]), tonumber(ARGV[11])
local STRETCH, STRETCH_BYTES, CHUNK = 1000, 4194304, 50

local size = (TAGS ~= '' or BY ~= '') and math.max(LIMIT + 1, STRETCH) or LIMIT + 1
local found, horizon = {}, HUGE

-- Adds the tasks whose scores are base and the number of their creation. Beyond the last one of a full page
-- nothing is known of them.
local function add_range(base)
  local from, to = base + AFTER + 1, base + PRIORITY - 1
  local rows = call('ZRANGEBYSCORE', TASK_ORDER, from, to, 'WITHSCORES', 'LIMIT', 0, size)
  for i = 1, #rows, 2 do
    found[#found + 1] = { id = rows[i], seq = rows[i + 1] - base }
  end
  if #rows == size * 2 then horizon = math.min(horizon, found[#found].seq) end
end

-- Adds tasks whose place in a region does not say when they were created.
local function add_each(ids)
  for first = 1, #ids, CHUNK do
    local chunk = { unpack(ids, first, math.min(first + CHUNK - 1, #ids)) }
    for i, spec in ipairs(call('HMGET', TASKS, unpack(chunk))) do
      local seq = tonumber(string.match(spec, '^%[(%d+)'))
      if seq > AFTER then found[#found + 1] = { id = chunk[i], seq = seq } end
    end
  end
end

local regions = { scheduled = 2, blocked = 3, completed = 4, dead = 5, cancelled = 6 }
if AFTER < PRIORITY - 1 then
  if HOLDER ~= '' then
    local ids = call('ZRANGEBYLEX', HELD, '[' .. HOLDER .. '\0t', '(' .. HOLDER .. '\0u')
    for i, member in ipairs(ids) do ids[i] = string.sub(member, #HOLDER + 3) end
    add_each(ids)
  elseif STATUS == 'claimed' or STATUS == '' then
    add_each(call('ZRANGEBYSCORE', TASK_ORDER, 0, '(' .. int(REGION)))
  elseif STATUS == 'pending' or STATUS == 'dead' then
    add_each(call('ZRANGEBYSCORE', TASK_ORDER, 0, now))
  end
  if HOLDER == '' and (STATUS == 'pending' or STATUS == '') then
    for priority = 0, 9 do add_range(REGION + priority * PRIORITY) end
  end
  if STATUS == 'pending' then add_each(call('ZRANGEBYSCORE', TASK_LATER, 0, now)) end
  for status, region in pairs(regions) do
    if HOLDER == '' and (STATUS == '' or STATUS == status) then add_range(region * REGION) end
  end
end
table.sort(found, function(a, b) return a.seq < b.seq end)

local function carries(task)
  if TAGS == '' then return true end
  local carried = ',' .. task.tags .. ','
  for tag in string.gmatch(TAGS, '[^,]+') do
    local has = string.find(carried, ',' .. tag .. ',', 1, true) ~= nil
    if has == (MATCH == 'any') then return has end
  end
  return MATCH == 'all'
end

local function meant(task)
  local work = task.work
  if STATUS ~= '' and work.status ~= STATUS then return false end
  if HOLDER ~= '' and (work.status ~= 'claimed' or work.worker ~= HOLDER) then return false end
  return (BY == '' or task.by == BY) and carries(task)
end

local shown, next_after, bytes, last = {}, nil, 0, AFTER
for _, row in ipairs(found) do
  if row.seq > horizon then break end
  if bytes > STRETCH_BYTES then
    next_after = last
    break
  end
  local task = find(row.id)
  settle(task)
  bytes = bytes + #task.spec
  if meant(task) then
    if #shown == LIMIT then
      next_after = last
      break
    end
    shown[#shown + 1] = show(task)
  end
  last = row.seq
end
if not next_after and horizon < HUGE then next_after = math.max(last, horizon) end
local answer = '{"tasks":[' .. table.concat(shown, ',') .. ']'
return answer .. (next_after and ',"next":' .. int(next_after) or '') .. '}'
