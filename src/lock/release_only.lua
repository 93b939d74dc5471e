--[[ lock/release_only: the usual case of lock/release: one path that nobody shares or waits for. It comes before
the functions that the other cases need, because a script pays for every function that it defines. ]]
if #ARGV == 6 and not REPEATED and lock_waiters == 0 then
  local path = ARGV[6]
  local record = call('HGET', LOCKS, path)
  local leases = record and cjson.decode(record)
  local lease = leases and leases[1]
  if lease and #leases == 1 and lease.holder == ACTOR then
    local tenure = int(lease.fence)
    local member = path .. '\0' .. tenure
    local due = tonumber(call('ZSCORE', LOCK_DUE, member))
    if due > now and (ARGV[5] == '' or ARGV[5] == tenure) then
      call('HDEL', LOCKS, path)
      call('ZREM', LOCK_PATHS, path)
      call('ZREM', LOCK_DUE, member)
      call('ZREM', HELD, ACTOR .. '\0l' .. member)
      emit('lock.released', path, ACTOR, '{"fence":' .. tenure .. '}')
      return finish('{"released":[{"path":' .. cjson.encode(path) .. ',"mode":"' .. lease.mode .. '","holder":"' .. ACTOR ..
        '","fence":' .. tenure .. ',"intent":' .. cjson.encode(lease.intent) .. ',"acquiredAtMs":' .. int(lease.at) ..
        ',"expiresAtMs":' .. int(due) .. '}],"lost":[]}', true)
    end
  end
end
