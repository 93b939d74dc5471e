--[[ lock/release_fast: the usual case of lock/release: one path that nobody shares, and that nobody waits for, or
only those in line for it, of whom the first is called.

NEEDS   lock/names
KEYS    lock_waiters, lock_paths ]]
if PLAIN and not BATCHED and #ARGV == 6 and ARGV[6] ~= '.' and ARGV[6] ~= '/' and string.sub(ARGV[4], 1, 1) == '0' then
  local path, actor = ARGV[6], ARGV[3]
  local record = call('HGET', LOCKS, path)
  local leases = record and cjson.decode(record)
  local lease = leases and leases[1]
  local simple, member, due, next = lease and #leases == 1 and lease.holder == actor and not lease.also, nil, nil, nil
  if simple then
    member = path .. '\0' .. int(lease.fence)
    due = tonumber(call('ZSCORE', LOCK_DUE, member))
    simple = due > now and (ARGV[5] == '' or ARGV[5] == int(lease.fence))
  end
  if simple and lock_waiters > 0 then
    local first = first_waiter(names_over(path))
    simple = first ~= false
    if first then
      next = cjson.decode(call('HGET', LOCK_WAITERS, string.match(first, '%z%d+%z(.*)$')))
      -- Whoever shares is called together with others.
      simple = next.mode == 'exclusive' and not next.called and now - next.seen <= SILENCE_MS and wake(next.waker)
    end
  end
  if simple then
    last_event = last_event + 1
    call('HDEL', LOCKS, path)
    call('ZREM', LOCK_PATHS, path)
    call('ZREM', LOCK_DUE, member)
    call('ZREM', HELD, actor .. '\0l' .. member)
    if next then
      next.called = now
      call('HSET', LOCK_WAITERS, next.id, cjson.encode(next))
    end
    local fence = int(lease.fence)
    local answer = '{"released":[{"path":' .. cjson.encode(path) .. ',"mode":"' .. lease.mode .. '","holder":"' .. actor ..
      '","fence":' .. fence .. ',"intent":' .. cjson.encode(lease.intent) .. ',"acquiredAtMs":' .. int(lease.at) ..
      ',"expiresAtMs":' .. int(due) .. '}],"lost":[]}'
    add_entry({ 'lock.released', actor .. '\0{"fence":' .. fence .. '}\0' .. path }, last_event, ARGV[1] .. '=1', answer)
    save_state()
    return answer
  end
end
