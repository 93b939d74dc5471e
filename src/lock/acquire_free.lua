--[[ lock/acquire_free: the usual case of lock/acquire: one path, free, and nobody in line. ]]
if PLAIN and not BATCHED and #ARGV == 11 and lock_waiters == 0 and now < lock_floor and
  string.sub(ARGV[11], -1) ~= '/' and string.sub(ARGV[4], 1, 1) == '0' then
  local path, actor = ARGV[11], ARGV[3]
  local names = { path, path .. '/', string.sub(path, 1, 1) == '/' and '/' or './' }
  local at = string.find(path, '/', 2, true)
  while at do
    names[#names + 1] = string.sub(path, 1, at)
    at = string.find(path, '/', at + 1, true)
  end
  local free = true
  for _, record in ipairs(call('HMGET', LOCKS, unpack(names))) do
    if record then free = false end
  end
  if free then
    fence, event = fence + 1, event + 1
    local ttl, mode, intent = ARGV[5], ARGV[6], cjson.encode(ARGV[7])
    local tenure, due = int(fence), now + ttl
    local member = path .. '\0' .. tenure
    local said = '"mode":"' .. mode .. '","holder":"' .. actor .. '","fence":' .. tenure .. ',"intent":' .. intent
    local at, lapses = int(now), int(due)
    call('HSET', LOCKS, path, '[{' .. said .. ',"ttl":' .. ttl .. ',"at":' .. at .. '}]')
    call('ZADD', LOCK_PATHS, 0, path)
    call('ZADD', LOCK_DUE, lapses, member)
    call('ZADD', HELD, 0, actor .. '\0l' .. member)
    if due < lock_floor then lock_floor = due end
    local news = actor .. '\0{"fence":' .. tenure .. ',"mode":"' .. mode .. '"}\0' .. path
    add_entry({ 'lock.acquired', news }, event, ARGV[1] .. '=1')
    save_state()
    return '{"kind":"acquired","leases":[{"path":' .. cjson.encode(path) .. ',' .. said .. ',"acquiredAtMs":' ..
      at .. ',"expiresAtMs":' .. lapses .. '}]}'
  end
end
