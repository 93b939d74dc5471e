--[[ lock/release_fast: the fast path of lock/release: one path that nobody shares, and that nobody waits for, or only
waiters for that very path, of whom the first is called. Where that is not so, it has written nothing, and lock/release does
it all.

SAVES   a third of the server's time: 72 us instead of 109 (first quartile of 3000 calls, beside 50 other leases)
NEEDS   lock/first_waiter, lock/format
KEYS    lock_waiters, lock_paths
RULES   lock/model: SILENCE_MS
ARGV    as lock/release
RETURN  as lock/release, when it ends the lease ]]
-- The record of a path with one lease that has no other names, see lock/format.
local LONE_LEASE = '^%[{("mode":"%l+","holder":"([^"]*)","fence":(%d+),"intent":".*"),"ttl":%d+,"at":(%d+)}%]$'
if FAST_PATH and not BATCHED and task_held_up == 0 and #ARGV == 6 and ARGV[6] ~= '.' and ARGV[6] ~= '/' and string.sub(ARGV[4], 1, 1) == '0' then
  local path, actor = ARGV[6], ARGV[3]
  local record = call('HGET', LOCKS, path)
  -- A quote within an intent is written with a backslash, so of a record with one entry this finds the fields alone.
  local fields, holder, fence, at = string.match(record or '', LONE_LEASE)
  local simple, member, due, next = holder == actor and not string.find(record, '},{', 1, true), nil, nil, nil
  if simple then
    member = path .. '\0' .. fence
    due = call('ZSCORE', LOCK_DUE, member)
    simple = tonumber(due) > now and (ARGV[5] == '' or ARGV[5] == fence)
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
    local answer = '{"released":[' .. lease_shown(path, fields, at, due) .. '],"lost":[]}'
    local ended = event_text(path, actor, fence_data(fence))
    add_entry({ 'lock.released', ended }, last_event, ARGV[1] .. '=1', answer)
    save_state()
    return answer
  end
end
