--[[ task/list: tasks in the order of their creation or of claims, as everybody sees them at this moment.

The order of claims goes through stages, each in the order of creation: claimed tasks, pending ones of each
priority, blocked, scheduled, and at last all that have ended.

A list merges what lies in the regions it asks for, each read some members at a time, so an operation reads little more
than it shows. Where only the tasks themselves can tell which are meant, and where they are large, one operation looks
at a bounded number of them, shows a bounded number of bytes, and answers where to go on.

NEEDS   task/rows
KEYS    task_tags, task_later, task_created
RULES   task/model: SORTED_AT_ONCE, TASKS_LOOKED_AT
ARGV    5 status or ""  6 tags, joined by commas  7 any|all  8 holder or ""  9 creator or ""  10 limit
        11 place after which to begin: the number of creation, in the order of claims with the stage before it
        12 created|claim  13 1 for an answer without sweeps, however many time has changed
RETURN  {"tasks":[…],"next":…}; next is the place to go on after, absent at the end
        "" when time has changed so many that sweeps come first ]]
local STATUS, TAGS, MATCH, HOLDER, BY = ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9]
local LIMIT, AFTER, BY_STAGE = tonumber(ARGV[10]), tonumber(ARGV[11]), ARGV[12] == 'claim'
-- Measured with 60 000 tasks on two shared cores: 1000 looks take 8 to 11 ms of the processor, a quarter of a megabyte is
-- answered in 5 to 8, 4096 members of TASK_CREATED take 4; half of each, since they add up.
local LOOK_BYTES, SHOW_BYTES, SCANS, CHUNK = 1048576, 131072, 2048, 64
local READ = math.min(LIMIT + 1, CHUNK)
local REGIONS = { scheduled = 2, blocked = 3, completed = 4, dead = 5, cancelled = 6 }
local ENDED = { completed = true, dead = true, cancelled = true }
-- Of pending tasks only those of one priority are meant: 9 - BAND.
local sources, BAND = {}, nil

local function carries(tags)
  local carried = ',' .. tags .. ','
  for tag in string.gmatch(TAGS, '[^,]+') do
    local has = string.find(carried, ',' .. tag .. ',', 1, true) ~= nil
    if has == (MATCH == 'any') then return has end
  end
  return MATCH == 'all'
end

-- A source gives tasks in the order of their creation; read fills it with the next ones.
local function open(read)
  sources[#sources + 1] = { at = 1, ids = {}, seqs = {}, read = read }
end

-- Tasks whose scores are base and the number of their creation.
local function open_range(base)
  local from, to = base + AFTER + 1, base + PRIORITY - 1
  open(function(ids, seqs)
    local rows = call('ZRANGEBYSCORE', TASK_ORDER, from, to, 'WITHSCORES', 'LIMIT', 0, READ)
    for i = 1, #rows, 2 do
      ids[#ids + 1], seqs[#seqs + 1] = rows[i], rows[i + 1] - base
    end
    if #rows > 0 then from = '(' .. rows[#rows] end
    return #rows == READ * 2
  end)
end

-- Pending tasks that carry a tag, whose ranks begin with this.
local function open_tagged(tag, base)
  local skip = #tag + 2
  local from = '[' .. tag .. string.format('\0%016.0f', base + AFTER + 1)
  local to = '(' .. tag .. string.format('\0%016.0f', base + PRIORITY)
  open(function(ids, seqs)
    local members = call('ZRANGEBYLEX', TASK_TAGS, from, to, 'LIMIT', 0, READ)
    for i, member in ipairs(members) do
      ids[i], seqs[i] = string.sub(member, skip + 17), tonumber(string.sub(member, skip, skip + 15)) - base
    end
    if #members > 0 then from = '(' .. members[#members] end
    return #members == READ
  end)
end

-- Tasks whose place in a region does not say when they were created, in that order: held ones by their record, and
-- scheduled ones by their score.
local function sorted(ids)
  local rows = {}
  for first = 1, #ids, CHUNK do
    local fields, last = {}, math.min(first + CHUNK - 1, #ids)
    for i = first, last do fields[i - first + 1] = ids[i] .. 'w' end
    local scores = call('ZMSCORE', TASK_ORDER, unpack(ids, first, last))
    for i, record in ipairs(call('HMGET', TASKS, unpack(fields))) do
      local score = tonumber(scores[i])
      local seq = score < REGION and tonumber(string.match(record, '"seq":(%d+)')) or score % REGION
      rows[#rows + 1] = { id = ids[first + i - 1], seq = seq }
    end
  end
  table.sort(rows, function(a, b) return a.seq < b.seq end)
  return rows
end

-- Tasks of any status.
local function open_created()
  local from = '(' .. int(AFTER)
  open(function(ids, seqs)
    local rows = call('ZRANGEBYSCORE', TASK_CREATED, from, '+inf', 'WITHSCORES', 'LIMIT', 0, READ)
    for i = 1, #rows, 2 do
      ids[#ids + 1], seqs[#seqs + 1] = rows[i], tonumber(rows[i + 1])
    end
    if #rows > 0 then from = '(' .. rows[#rows] end
    return #rows == READ * 2
  end)
end

-- Whether what time has changed is too much to be sorted by one operation, and nobody may sweep.
local MANY_CHANGED = now >= task_floor and
  (call('ZCOUNT', TASK_ORDER, 0, now) > SORTED_AT_ONCE or call('ZCOUNT', TASK_LATER, '(0', now) > SORTED_AT_ONCE)

-- Tasks that are found among all: claimed ones, or those that time has changed. How far one operation may look: then it
-- has to go on behind stalled.
local scanned, stalled = 0, nil
local function open_among_all(changed)
  local from = AFTER
  open(function(ids, seqs)
    local rows = call('ZRANGEBYSCORE', TASK_CREATED, '(' .. int(from), '+inf', 'WITHSCORES', 'LIMIT', 0, 256)
    if #rows == 0 then return false end
    local all, places = {}, {}
    for i = 1, #rows, 2 do all[#all + 1], places[#places + 1] = rows[i], tonumber(rows[i + 1]) end
    local later = changed and call('ZMSCORE', TASK_LATER, unpack(all)) or {}
    for i, score in ipairs(call('ZMSCORE', TASK_ORDER, unpack(all))) do
      local place, due = tonumber(score), tonumber(later[i] or HUGE)
      local due_now = due > 0 and due <= now
      if changed and (place <= now or due_now) or not changed and place < REGION then
        ids[#ids + 1], seqs[#seqs + 1] = all[i], places[i]
      end
    end
    from, scanned = places[#places], scanned + #all
    if scanned >= SCANS then
      stalled = from
      return false
    end
    return #all == 256
  end)
end

local function open_rows(rows)
  open(function(ids, seqs)
    for _, row in ipairs(rows) do
      if row.seq > AFTER then ids[#ids + 1], seqs[#seqs + 1] = row.id, row.seq end
    end
  end)
end

-- What time alone has changed: several stages look at it, and it is read once.
local lapsed, due
local function open_lapsed()
  lapsed = lapsed or sorted(call('ZRANGEBYSCORE', TASK_ORDER, 0, now))
  open_rows(lapsed)
end
local function open_due()
  due = due or sorted(call('ZRANGEBYSCORE', TASK_LATER, '(0', now))
  open_rows(due)
end

-- The rarest tag finds all that carry every one.
local function open_queue()
  local tags, rarest, fewest = {}, nil, HUGE
  for tag in string.gmatch(TAGS, '[^,]+') do
    local count = call('ZLEXCOUNT', TASK_TAGS, '[' .. tag .. '\0', '(' .. tag .. '\1')
    if count < fewest then rarest, fewest = tag, count end
    tags[#tags + 1] = tag
  end
  if MATCH == 'all' then tags = { rarest } end
  for band = BAND or 0, BAND or 9 do
    for _, base in ipairs(task_held_up > 0 and { 0, HELD_UP } or { 0 }) do
      if TAGS == '' then open_range(REGION + base + band * PRIORITY) end
      for _, tag in ipairs(TAGS == '' and {} or tags) do open_tagged(tag, base + band * PRIORITY) end
    end
  end
end

local function open_sources()
  sources = {}
  if AFTER >= PRIORITY - 1 then return end
  if HOLDER ~= '' then
    local from, to = '[' .. HOLDER .. '\0t', '(' .. HOLDER .. '\0u'
    if call('ZLEXCOUNT', HELD, from, to) > SORTED_AT_ONCE then
      open_among_all()
    else
      local ids = call('ZRANGEBYLEX', HELD, from, to)
      for i, member in ipairs(ids) do ids[i] = string.sub(member, #HOLDER + 3) end
      open_rows(sorted(ids))
    end
  elseif STATUS == '' then
    open_created()
  elseif STATUS == 'claimed' then
    if call('ZCOUNT', TASK_ORDER, 0, '(' .. int(REGION)) > SORTED_AT_ONCE then
      open_among_all()
    else
      open_rows(sorted(call('ZRANGEBYSCORE', TASK_ORDER, 0, '(' .. int(REGION))))
    end
  elseif MANY_CHANGED and (STATUS == 'pending' or STATUS == 'dead' or STATUS == 'ended') then
    open_among_all(true)
  elseif STATUS == 'pending' or STATUS == 'dead' or STATUS == 'ended' then
    open_lapsed()
    if STATUS == 'pending' then open_due() end
  end
  if HOLDER == '' then
    if STATUS == 'pending' then open_queue() end
    for status, region in pairs(REGIONS) do
      if STATUS == status or STATUS == 'ended' and ENDED[status] then open_range(region * REGION) end
    end
  end
end

-- The next task of all sources; a task that stands in several is given once.
local last
local function next_id()
  local best
  for _, source in ipairs(sources) do
    while source.seqs[source.at] and source.seqs[source.at] <= last do source.at = source.at + 1 end
    while source.read and not source.seqs[source.at] do
      source.at, source.ids, source.seqs = 1, {}, {}
      if not source.read(source.ids, source.seqs) then source.read = nil end
      while source.seqs[source.at] and source.seqs[source.at] <= last do source.at = source.at + 1 end
    end
    if source.seqs[source.at] and (not best or source.seqs[source.at] < best.seqs[best.at]) then best = source end
  end
  -- Behind stalled there may be some that come before.
  if best and not (stalled and best.seqs[best.at] > stalled) then return best.ids[best.at], best.seqs[best.at] end
end

local looked_bytes = 0
-- Whether the spec is of a task that is asked for.
local function specified(id)
  if TAGS == '' and BY == '' then return true end
  local spec = call('HGET', TASKS, id)
  looked_bytes = looked_bytes + #spec
  local tags, by = string.match(spec, '^%[%d+,%d,%d+,%d+,"([^"]*)","%a",%d+,%w+,%d+,"([^"]*)"')
  return (BY == '' or by == BY) and (TAGS == '' or carries(tags))
end

local function stands(task)
  local work = task.work
  if STATUS == 'ended' then return ENDED[work.status] end
  if STATUS ~= '' and work.status ~= STATUS or BAND and task.priority ~= 9 - BAND then return false end
  return HOLDER == '' or work.status == 'claimed' and work.worker == HOLDER
end

local shown, shown_bytes, looks, go_on = {}, 0, 0, nil
-- Shows what the sources have until one of the bounds is reached.
local function show_all(base)
  open_sources()
  last = AFTER
  while true do
    local id, seq = next_id()
    if not id then
      if stalled then go_on = base + stalled end
      return
    end
    if looks == TASKS_LOOKED_AT or looked_bytes > LOOK_BYTES or shown_bytes > SHOW_BYTES then
      go_on = base + last
      return
    end
    looks = looks + 1
    if specified(id) then
      local task = find(id)
      expire(task)
      if stands(task) then
        if #shown == LIMIT then
          go_on = base + last
          return
        end
        local text = show(task)
        shown[#shown + 1] = text
        shown_bytes = shown_bytes + #text
      end
    end
    last = seq
  end
end

if MANY_CHANGED and ARGV[13] ~= '1' then return '' end
if BY_STAGE then
  local asked, first = STATUS, math.floor(AFTER / PRIORITY)
  local stages = { [0] = 'claimed', [11] = 'blocked', [12] = 'scheduled', [13] = 'ended' }
  for stage = first, HOLDER == '' and 13 or 0 do
    local status = stages[stage] or 'pending'
    if status == 'ended' and ENDED[asked] then status = asked end
    if asked == '' or asked == status then
      STATUS, BAND = status, status == 'pending' and stage - 1 or nil
      AFTER = stage == first and AFTER % PRIORITY or 0
      show_all(stage * PRIORITY)
      if go_on then break end
    end
  end
else
  show_all(0)
end
local answer = '{"tasks":[' .. table.concat(shown, ',') .. ']'
return answer .. (go_on and ',"next":' .. int(go_on) or '') .. '}'
