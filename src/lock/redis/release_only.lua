--[[ lock/release_only: the usual case of lock/release: one path that nobody shares, and that nobody waits for, or
only those in line for it, of whom the first is called.

NEEDS   lock/names
KEYS    lock_waiters, lock_paths ]]
if PLAIN and not BATCHED and #ARGV == 6 and ARGV[6] ~= '.' and ARGV[6] ~= '/' and string.sub(ARGV[4], 1, 1) == '0' then
  local path, actor = ARGV[6], ARGV[3]
  local record = call('HGET', LOCKS, path)
  local leases = record and cjson.decode(record)
  local lease = leases and leases[1]
  local usual, member, due, next = lease and #leases == 1 and lease.holder == actor and not lease.also, nil, nil, nil
  if usual then
    member = path .. '\0' .. int(lease.fence)
    due = tonumber(call('ZSCORE', LOCK_DUE, member))
    usual = due > now and (ARGV[5] == '' or ARGV[5] == int(lease.fence))
  end
  if usual and lock_waiters > 0 then
    local first = first_in_line(names_over(path))
    usual = first ~= false
    if first then
      next = cjson.decode(call('HGET', LOCK_WAITERS, string.match(first, '%z%d+%z(.*)$')))
      -- Whoever shares is called together with others.
      usual = next.mode == 'exclusive' and not next.called and now - next.seen <= SILENCE_MS and ring(next.bell)
    end
  end
  if usual then
    event = event + 1
    call('HDEL', LOCKS, path)
    call('ZREM', LOCK_PATHS, path)
    call('ZREM', LOCK_DUE, member)
    call('ZREM', HELD, actor .. '\0l' .. member)
    if next then
      next.called = now
      call('HSET', LOCK_WAITERS, next.id, cjson.encode(next))
    end
    local tenure = int(lease.fence)
    local answer = '{"released":[{"path":' .. cjson.encode(path) .. ',"mode":"' .. lease.mode .. '","holder":"' .. actor ..
      '","fence":' .. tenure .. ',"intent":' .. cjson.encode(lease.intent) .. ',"acquiredAtMs":' .. int(lease.at) ..
      ',"expiresAtMs":' .. int(due) .. '}],"lost":[]}'
    add_entry({ 'lock.released', actor .. '\0{"fence":' .. tenure .. '}\0' .. path }, event, ARGV[1] .. '=1', answer)
    save_state()
    return answer
  end
end
