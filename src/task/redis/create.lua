--[[ task/create: creates every task of a batch, or none.

NEEDS   task/dependencies
KEYS    task_keys, task_later, task_created
TASK_KEYS  idempotency key -> id of the task that has it
ARGV       from 5 on, five for each draft: id, key or "", its spec from the priority to not before, what it
           depends on, joined by commas (# and a place in the batch counted from 0, or the id of an older
           task, or ? for what is none), then its lines of JSON; see task/rows
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
        -- A repeated operation finds all of its tasks or none: looking for one of them is enough.
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

local records, scores, created, queued = {}, {}, {}, 0
local function write()
  if #records > 0 then call('HSET', TASKS, unpack(records)) end
  if #scores > 0 then call('ZADD', TASK_ORDER, unpack(scores)) end
  if #created > 0 then call('ZADD', TASK_CREATED, unpack(created)) end
  records, scores, created, queued = {}, {}, {}, 0
end

local function add(id, seq, spec, place)
  queued = queued + 2
  records[queued - 1], records[queued] = id, spec
  scores[queued - 1], scores[queued] = string.format('%d', place), id
  created[queued - 1], created[queued] = string.format('%d', seq), id
  if queued >= 1000 then write() end
end

local function add_task(member, spec, priority, tags, start)
  local id, seq, waits = member.id, member.seq, #member.open
  local task = { id = id, seq = seq, priority = priority, tags = tags, spec = spec }
  task.needs, task.work = table.concat(member.needs, ','), { spent = 0, waits = waits > 0 and waits or nil }
  wait(task, start)
  member.task = task
  if task.work.status == 'pending' then
    enter_queue(task)
  else
    call('HSET', TASKS, id .. 'w', encode(task.work))
  end
  if task.due then
    call('ZADD', TASK_LATER, task.due, id)
    task_floor = math.min(task_floor, task.due)
  end
  add(id, seq, spec, place_of(task))
  for _, on in ipairs(member.open) do add_link(on, id) end
  return task.work.status
end

local created_by = ',' .. int(now) .. ',"' .. ACTOR .. '","'
for _, member in ipairs(members) do
  if not member.known and not member.spec then
    local at, id, seq = member.at, member.id, member.seq
    local said, texts = ARGV[at + 2], '",\n' .. ARGV[at + 4] .. ']'
    local needs = table.concat(member.needs, ',')
    local spec = '[' .. string.format('%d', seq) .. ',' .. said .. created_by .. needs .. texts
    local priority, tags, start = string.match(said, '^(%d),%d+,%d+,"([^"]*)","%a",%d+,(%w+)$')
    local status = 'pending'
    member.spec = spec
    if tags == '' and start == 'null' and ARGV[at + 3] == '' and task_waiters == 0 then
      -- Nothing but the queue has to know of it.
      member.plain = true
      add(id, seq, spec, REGION + rank_of(priority, seq))
    else
      status = add_task(member, spec, tonumber(priority), tags, tonumber(start))
    end
    if ARGV[at + 1] ~= '' then
      call('HSET', TASK_KEYS, ARGV[at + 1], id)
      call('HSET', TASKS, id .. 'k', ARGV[at + 1])
    end
    emit('task.created', id, ACTOR, '{"status":"' .. status .. '","priority":' .. priority .. '}')
  end
end
write()
wake_waiters()

local tasks = {}
for i, member in ipairs(members) do
  local task = member.known or member.task
  if member.at ~= FIRST + (i - 1) * WIDTH then
    -- Known already, or the twin of one before it.
    tasks[i] = show(task or find(member.id))
  else
    tasks[i] = (member.plain or task.work.status == 'pending' and task.needs == '') and '0' or show(task)
  end
end
return finish('{"kind":"created","nowMs":' .. int(now) .. ',"tasks":[' .. table.concat(tasks, ',') .. ']}')
