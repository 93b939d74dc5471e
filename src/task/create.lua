--[[ task/create: creates every task of a batch, or none.

KEYS       as task/dependencies, and task_keys
TASK_KEYS  idempotency key -> id of the task that has it
ARGV       from 5 on, five for each draft: id, key or "", its spec from the priority to not before, what it depends
           on, joined by commas (# and a place in the batch counted from 0, or the id of an older task, or ? for
           what is none), then its lines of JSON; see task/rows
RETURN     {"kind":"created","nowMs":…,"tasks":[…]}, 0 for one that is new, pending and depends on nothing
           {"kind":"unknown","index":…,"place":…} of the first dependency that is no task, counted from 0
KEEPS      nothing is written unless everything is; a batch sent twice creates its tasks once. ]]
local FIRST, WIDTH = 5, 5
local size = (#ARGV - FIRST + 1) / WIDTH

-- The tasks of the batch: each is known already, or new. Two drafts with one key are one.
local function enlist()
  local members, by_key, repeated = {}, {}, nil
  for i = 1, size do
    local at = FIRST + (i - 1) * WIDTH
    local id, key = ARGV[at], ARGV[at + 1]
    local member = key ~= '' and by_key[key]
    if not member then
      local known = nil
      if key ~= '' then
        known = call('HGET', TASK_KEYS, key)
      elseif repeated ~= false then
        -- A repeated step finds all of its tasks or none: looking for one of them is enough.
        repeated = call('HEXISTS', TASKS, id) == 1
        known = repeated and id
      end
      if known then
        member = { id = known, known = find(known) }
      else
        task_seq = task_seq + 1
        member = { id = id, at = at, seq = task_seq }
      end
      if key ~= '' then by_key[key] = member end
    end
    members[i] = member
  end
  return members
end

-- What a new task depends on, and how many of them are not completed yet; or nothing and the place of the one
-- that is no task.
local function needs_of(member, members)
  local needs, open, seen, place = {}, {}, {}, 0
  for item in string.gmatch(ARGV[member.at + 3], '[^,]+') do
    local other = string.sub(item, 1, 1) == '#' and members[string.sub(item, 2) + 1]
    local known = other and other.known
    if not other then
      known = find(item)
      if not known then return nil, place end
    end
    local id = other and other.id or item
    if not seen[id] then
      needs[#needs + 1] = id
      if not known or known.work.status ~= 'completed' then open[#open + 1] = id end
    end
    seen[id], place = true, place + 1
  end
  return needs, open
end

local seq_before = task_seq
local members = enlist()
for i, member in ipairs(members) do
  if not member.known and not member.needs then
    if ARGV[member.at + 3] == '' then
      member.needs, member.open = {}, {}
    else
      local needs, open = needs_of(member, members)
      if not needs then
        task_seq = seq_before
        return finish('{"kind":"unknown","index":' .. (i - 1) .. ',"place":' .. int(open) .. '}')
      end
      member.needs, member.open = needs, open
    end
  end
end

local records, scores = {}, {}
local function write()
  if #records > 0 then call('HSET', TASKS, unpack(records)) end
  if #scores > 0 then call('ZADD', TASK_ORDER, unpack(scores)) end
  records, scores = {}, {}
end

local created_by = ',' .. int(now) .. ',"' .. ACTOR .. '","'
for _, member in ipairs(members) do
  if not member.known and not member.task then
    local at, id, seq = member.at, member.id, member.seq
    local key, said = ARGV[at + 1], ARGV[at + 2]
    local needs = table.concat(member.needs, ',')
    local spec = '[' .. int(seq) .. ',' .. said .. created_by .. needs .. '",\n' .. ARGV[at + 4] .. ']'
    local priority, tags, start = string.match(said, '^(%d),%d+,%d+,"([^"]*)","%a",%d+,(%w+)$')
    priority = tonumber(priority)
    local task = { id = id, seq = seq, priority = priority, tags = tags, needs = needs, spec = spec }
    task.work = { spent = 0, waits = #member.open > 0 and #member.open or nil }
    wait(task, tonumber(start))
    member.task = task
    local status = task.work.status
    if status == 'pending' then
      enter_queue(task)
    else
      records[#records + 1] = id .. 'w'
      records[#records + 1] = encode(task.work)
    end
    if status == 'scheduled' then
      call('ZADD', TASK_LATER, task.due, id)
      task_floor = math.min(task_floor, task.due)
    end
    records[#records + 1] = id
    records[#records + 1] = spec
    scores[#scores + 1] = place_of(task)
    scores[#scores + 1] = id
    if #records > 1000 then write() end
    if key ~= '' then call('HSET', TASK_KEYS, key, id) end
    for _, on in ipairs(member.open) do add_link(on, id) end
    emit('task.created', id, ACTOR, '{"status":"' .. status .. '","priority":' .. priority .. '}')
  end
end
write()
wake_waiters()

local tasks = {}
for i, member in ipairs(members) do
  local task = member.known or member.task
  local plain = not member.known and members[i].at == FIRST + (i - 1) * WIDTH and task.needs == ''
  tasks[i] = plain and task.work.status == 'pending' and '0' or show(task)
end
return finish('{"kind":"created","nowMs":' .. int(now) .. ',"tasks":[' .. table.concat(tasks, ',') .. ']}')
