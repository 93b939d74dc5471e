--[[ lock/acquire_fast: the fast path of lock/acquire: one path without other names that is free, and no waiter ahead of
the caller. Where that is not so, it has written nothing, and lock/acquire does it all.

SAVES   two fifths of the server's time: 76 us instead of 126 (first quartile of 3000 calls, beside 50 other leases)
NEEDS   lock/first_waiter, lock/format
KEYS    lock_paths, lock_waiters, lock_wait_queue
ARGV    as lock/acquire
RETURN  as lock/acquire, when it grants the lease ]]
if FAST_PATH and not BATCHED and #ARGV == 11 and now < lock_floor and ARGV[11] ~= '' and ARGV[11] ~= '.' and ARGV[11] ~= '/' and
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
    local text, mode, due = string.format, ARGV[6], now + ARGV[5]
    local fence, at, due_text = text('%d', last_fence), text('%d', now), text('%d', due)
    local fields = lease_fields(mode, actor, fence, cjson.encode(ARGV[7]))
    local member = path .. '\0' .. fence
    call('HSET', LOCKS, path, '[' .. lease_record(fields, ARGV[5], at) .. ']')
    call('ZADD', LOCK_PATHS, '0', path)
    call('ZADD', LOCK_DUE, due_text, member)
    call('ZADD', HELD, '0', actor .. '\0l' .. member)
    if due < lock_floor then lock_floor = due end
    add_entry({ 'lock.acquired', event_text(path, actor, granted_data(fence, mode)) }, last_event, ARGV[1] .. '=1')
    save_state()
    return '{"kind":"acquired","leases":[' .. lease_shown(path, fields, at, due_text) .. ']}'
  end
end
