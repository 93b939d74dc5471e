--[[ lock/release_only: the usual case of lock/release: one path that nobody shares or waits for. ]]
if PLAIN and not BATCHED and #ARGV == 6 and lock_waiters == 0 and string.sub(ARGV[4], 1, 1) == '0' then
  local path, actor = ARGV[6], ARGV[3]
  local record = call('HGET', LOCKS, path)
  local leases = record and cjson.decode(record)
  local lease = leases and leases[1]
  if lease and #leases == 1 and lease.holder == actor then
    local tenure = int(lease.fence)
    local member = path .. '\0' .. tenure
    local due = tonumber(call('ZSCORE', LOCK_DUE, member))
    if due > now and (ARGV[5] == '' or ARGV[5] == tenure) then
      event = event + 1
      call('HDEL', LOCKS, path)
      call('ZREM', LOCK_PATHS, path)
      call('ZREM', LOCK_DUE, member)
      call('ZREM', HELD, actor .. '\0l' .. member)
      local answer = '{"released":[{"path":' .. cjson.encode(path) .. ',"mode":"' .. lease.mode .. '","holder":"' .. actor ..
        '","fence":' .. tenure .. ',"intent":' .. cjson.encode(lease.intent) .. ',"acquiredAtMs":' .. int(lease.at) ..
        ',"expiresAtMs":' .. int(due) .. '}],"lost":[]}'
      local news = actor .. '\0{"fence":' .. tenure .. '}\0' .. path
      add_entry({ 'lock.released', news }, event, ARGV[1] .. '=1', answer)
      save_state()
      return answer
    end
  end
end
