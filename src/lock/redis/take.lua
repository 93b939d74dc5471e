--[[ lock/take: takes locks over from another store, and those who wait for them. No event is emitted: the store that they
come from has told of them.

NEEDS   lock/end_leases, engine/conflicts
KEYS    lock_wait_queue
ARGV    5 1 to let a lease stay that conflicts and has the higher fence, 6.. records, JSON, see src/lock/transfer.ts
RETURN  JSON: [kept, ended] of each two leases that kept each other out, each {path, holder, fence}
KEEPS   each record is there as told, once, however often it is told; no lease gets shorter, and no fence that was told is
        handed out again ]]
local KEEP_OTHERS = ARGV[5] == '1'
local told = {}

local function brief(lease)
  return '{"path":' .. cjson.encode(lease.path) .. ',"holder":' .. cjson.encode(lease.holder) ..
    ',"fence":' .. int(lease.fence) .. '}'
end

local function tell(kept, ended)
  told[#told + 1] = '[' .. brief(kept) .. ',' .. brief(ended) .. ']'
end

-- The live leases that keep this one out. Who holds a path may hold what lies above or below it, too, but not the same
-- one twice.
local function conflicting(record, names)
  local found, known = {}, {}
  local function note(lease)
    local place = lease.path .. '\0' .. int(lease.fence)
    if not known[place] and modes_conflict(lease.mode, record.mode) and
      (lease.holder ~= record.holder or lease.path == record.path) then
      known[place], found[#found + 1] = true, lease
    end
    return false
  end
  for _, name in ipairs(names) do first_overlapping(name, note, function() return false end) end
  return found
end

local function take_lease(record)
  local path, fence = record.path, int(record.fence)
  local member, due = path .. '\0' .. fence, now + record.leftMs
  local lease = lease_at(member)
  if lease then
    local entries = entries_on(path)
    for _, entry in ipairs(entries) do
      if entry.fence == record.fence and not entry.of then entry.ttl = record.ttlMs end
    end
    keep_on(path, entries)
    call('ZADD', LOCK_DUE, int(math.max(lease.due, due)), member)
    return
  end
  if record.leftMs <= 0 then return end
  local others = conflicting(record, { path, unpack(record.aliases or {}) })
  for _, other in ipairs(others) do
    if KEEP_OTHERS and other.fence > record.fence then return tell(other, record) end
  end
  for _, other in ipairs(others) do tell(record, other) end
  end_leases(others)
  add_on(path, { holder = record.holder, fence = record.fence, mode = record.mode, intent = record.intent,
    ttl = record.ttlMs, at = record.acquiredAtMs, also = record.aliases, more = record.taskId and { task = record.taskId } })
  for _, alias in ipairs(record.aliases or {}) do add_on(alias, { of = path, fence = record.fence }) end
  call('ZADD', LOCK_DUE, int(due), member)
  call('ZADD', HELD, 0, record.holder .. '\0l' .. member)
  lock_floor = math.min(lock_floor, due)
end

-- A waiter without a waker is taken to live until its process looks. So is one that was here before: its process has been
-- elsewhere since, so its waker may lead nowhere, and it would lose its place when it is called.
local function take_waiter(record)
  local known = find_waiter(record.id)
  if known then
    known.waker, known.seen, known.called = '', now, nil
    return save_waiter(known)
  end
  lock_seq, lock_waiters = lock_seq + 1, lock_waiters + 1
  local place = { seq = lock_seq, id = record.id, agent = record.agent, mode = record.mode, paths = record.paths,
    waker = '', seen = now }
  for _, name in ipairs(record.paths) do call('ZADD', LOCK_WAIT_QUEUE, 0, place_of(place, name)) end
  save_waiter(place)
end

for i = 6, #ARGV do
  local record = cjson.decode(ARGV[i])
  if record.kind == 'waiter' then
    take_waiter(record)
  else
    if record.fence > last_fence then last_fence = record.fence end
    dirty = true
    if record.kind == 'lease' then
      take_lease(record)
    else
      end_leases({ lease_at(record.path .. '\0' .. int(record.fence)) })
    end
  end
end
wake_waiters()
return finish(keep_conflicts('lock', told))
