--[[ lock/acquire_fast: the usual case of lock/acquire: one path without other names that is free, and
nobody ahead in line.

NEEDS   lock/names
KEYS    lock_paths, lock_waiters, lock_wait_queue ]]
if PLAIN and not BATCHED and #ARGV == 11 and now < lock_floor and not string.find(ARGV[11], '^[./]?$') and
  not string.find(ARGV[11], '\0', 1, true) and
  string.sub(ARGV[4], 1, 1) == '0' and (lock_waiters == 0 or ARGV[6] == 'exclusive') then
  local path, actor, waiter = ARGV[11], ARGV[3], ARGV[9]
  local names = names_over(path)
  local free, place = not any_below(LOCK_PATHS, path), nil
  for _, record in ipairs(call('HMGET', LOCKS, unpack(names))) do
    if record then free = false end
  end
  if free and lock_waiters > 0 then
    local record = waiter ~= '' and call('HGET', LOCK_WAITERS, waiter)
    if record then
      place = path .. '\0' .. string.format('%016.0f', string.match(record, '"seq":(%d+)')) .. '\0' .. waiter
    end
    free = first_waiter(names) == place
  end
  if free then
    if place then
      call('HDEL', LOCK_WAITERS, waiter)
      call('ZREM', LOCK_WAIT_QUEUE, place)
      lock_waiters = lock_waiters - 1
    end
    last_fence, last_event = last_fence + 1, last_event + 1
    local ttl, mode, intent = ARGV[5], ARGV[6], cjson.encode(ARGV[7])
    local fence, due = int(last_fence), now + ttl
    local member = path .. '\0' .. fence
    local said = '"mode":"' .. mode .. '","holder":"' .. actor .. '","fence":' .. fence .. ',"intent":' .. intent
    local at, lapses = int(now), int(due)
    call('HSET', LOCKS, path, '[{' .. said .. ',"ttl":' .. ttl .. ',"at":' .. at .. '}]')
    call('ZADD', LOCK_PATHS, '0', path)
    call('ZADD', LOCK_DUE, lapses, member)
    call('ZADD', HELD, '0', actor .. '\0l' .. member)
    if due < lock_floor then lock_floor = due end
    local emitted = actor .. '\0{"fence":' .. fence .. ',"mode":"' .. mode .. '"}\0' .. path
    add_entry({ 'lock.acquired', emitted }, last_event, ARGV[1] .. '=1')
    save_state()
    return '{"kind":"acquired","leases":[{"path":' .. cjson.encode(path) .. ',' .. said .. ',"acquiredAtMs":' ..
      at .. ',"expiresAtMs":' .. lapses .. '}]}'
  end
end
