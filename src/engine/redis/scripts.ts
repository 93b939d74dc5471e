/**
 * The Lua files of the Redis store and how scripts are put together from them. Written by scripts/lua.ts from
 * src/<room>/redis/*.lua: change those, then run `scripts/dev lua`. As many lines as they have.
 * @module
 */
// deno-fmt-ignore-file -- generated

/** The code of each Lua file, without comments. */
export const LUA = {
  "agent/assign": `local NAME, EXPECTED, WORKER = unpack(ARGV, 5, 7)
local record = call('HGET', AGENTS, NAME)
if not record then return finish('') end
local agent = cjson.decode(record)
if (agent.worker or '') == EXPECTED then
  agent.worker = WORKER
  record = cjson.encode(agent)
  call('HSET', AGENTS, NAME, record)
end
return finish(answer_with({ shown_agent(NAME, record) }))
`,
  "agent/deregister": `local NAME = ARGV[5]
local record = call('HGET', AGENTS, NAME)
if not record then return finish('') end
local leases, claimed, following = held_portion(NAME, ARGV[7], ARGV[6], claim_bytes)
local locks = ARGV[8] + #release_leases(NAME, leases)
local tasks = ARGV[9] + #release_tasks(claimed)
local released_counts = '"locks":' .. locks .. ',"tasks":' .. tasks
local seen = following == '' and call('ZSCORE', SEEN, NAME)
if seen then
  local agent = cjson.decode(record)
  agent.goneAtMs, agent.seenAtMs = now, tonumber(seen)
  call('HSET', AGENTS, NAME, cjson.encode(agent))
  call('ZREM', SEEN, NAME)
  call('HDEL', AGENT_REPORTED, NAME)
  call('ZADD', AGENTS_LEFT, int(now), NAME)
  departed_at, dirty = now, true
  emit('agent.deregistered', NAME, NAME, '{' .. released_counts .. '}')
end
return finish('{' .. released_counts .. ',"fence":' .. int(last_fence) .. ',"atMs":' .. int(now) .. ',"next":' .. cjson.encode(following) .. '}', true)
`,
  "agent/explain": `local NAME, PORTION, FROM = unpack(ARGV, 5, 7)
local record = call('HGET', AGENTS, NAME)
if not record then return '' end
local members, claimed, following = held_portion(NAME, FROM, PORTION, claim_bytes)
local agent = FROM == '' and string.sub(answer_with({ shown_agent(NAME, record) }), 1, -2) .. ',' or '{'
return agent .. '"locks":' .. show_all(live_leases(members)) .. ',"tasks":' .. shown_claims(claimed) ..
  ',"next":' .. cjson.encode(following) .. '}'
`,
  "agent/heartbeat": `local NAME, HOST, PID, PORTION, FROM, STATUS, WORKING_ON = unpack(ARGV, 5, 11)
touch(NAME, HOST, PID)
local record = call('HGET', AGENTS, NAME)
if STATUS == 'active' then
  call('HDEL', AGENT_REPORTED, NAME)
elseif STATUS ~= '' then
  call('HSET', AGENT_REPORTED, NAME, STATUS)
end
if WORKING_ON then
  local agent = cjson.decode(record)
  agent.workingOn = WORKING_ON
  record = cjson.encode(agent)
  call('HSET', AGENTS, NAME, record)
end
local leases, tasks, following = held_portion(NAME, FROM, PORTION, claim_bytes)
renew_leases(leases)
renew_claims(tasks)
if following ~= '' then return finish('{"next":' .. cjson.encode(following) .. '}') end
return finish(answer_with({ shown_agent(NAME, record) }))
`,
  "agent/lapsing": `local leases, tasks = held_portion(ARGV[5], '', ARGV[6], claim_bytes)
local lapsing = {}
add_lapsing_leases(lapsing, leases)
add_lapsing_claims(lapsing, tasks)
table.sort(lapsing, function(a, b)
  if a.lapsesInMs ~= b.lapsesInMs then return a.lapsesInMs < b.lapsesInMs end
  if a.kind ~= b.kind then return a.kind < b.kind end
  return a.subject < b.subject
end)
return list({ unpack(lapsing, 1, tonumber(ARGV[7])) })
`,
  "agent/list": `local KIND, SUBJECT, PORTION, SILENCE, LONGEST = unpack(ARGV, 5, 9)
local agents, following = {}, nil
if KIND == 'get' then
  local record = call('HGET', AGENTS, SUBJECT)
  if record then agents[1] = shown_agent(SUBJECT, record) end
elseif KIND == 'all' then
  local cursor, records = unpack(call('HSCAN', AGENTS, SUBJECT, 'COUNT', PORTION))
  for i = 1, #records, 2 do agents[#agents + 1] = shown_agent(records[i], records[i + 1]) end
  if cursor ~= '0' then following = cursor end
else
  local from, skip = LONGEST == '' and '-inf' or '(' .. int(now - LONGEST), 0
  if SUBJECT ~= '' then
    local at, last = string.match(SUBJECT, '^(%d+) (.*)$')
    from = at
    for _, name in ipairs(call('ZRANGEBYSCORE', SEEN, at, at)) do
      if name <= last then skip = skip + 1 end
    end
  end
  local silent = call('ZRANGEBYSCORE', SEEN, from, '(' .. int(now - SILENCE), 'WITHSCORES', 'LIMIT', skip, PORTION)
  for i = 1, #silent, 2 do
    agents[#agents + 1] = shown_agent(silent[i], call('HGET', AGENTS, silent[i]))
  end
  if #agents == tonumber(PORTION) then following = int(silent[#silent]) .. ' ' .. silent[#silent - 1] end
end
local answer = answer_with(agents)
return following and string.sub(answer, 1, -2) .. ',"next":' .. cjson.encode(following) .. '}' or answer
`,
  "agent/mark_seen": `touch(ARGV[5], ARGV[6], ARGV[7])
return finish('')
`,
  "agent/prune": `local AGENTS_LOOKED_AT = 256
local LIMIT, GONE_AFTER = tonumber(ARGV[5]), tonumber(ARGV[6])
local CHUNK = 64
local SET, KEPT = string.match(ARGV[7], '^(%a)(%d+)$')
local removed, looked, following = {}, 0, nil
local function remove(name)
  local record = call('HGET', AGENTS, name)
  local locks, tasks = count_held(name)
  if locks > 0 or tasks > 0 then return false end
  removed[#removed + 1] = shown_agent(name, record)
  call('HDEL', AGENTS, name)
  call('ZREM', SEEN, name)
  call('ZREM', AGENTS_LEFT, name)
  call('HDEL', AGENT_REPORTED, name)
  emit('agent.pruned', name, ACTOR)
  return true
end
local function remove_from(kind, set, instant, is_back)
  if following then return end
  local kept, names = SET == kind and tonumber(KEPT) or 0, nil
  repeat
    names = call('ZRANGEBYSCORE', set, '-inf', int(instant), 'LIMIT', kept, CHUNK)
    for _, name in ipairs(names) do
      if #removed == LIMIT or looked == AGENTS_LOOKED_AT then
        following = kind .. kept
        return
      end
      looked = looked + 1
      if is_back and is_back(name) then
        call('ZREM', set, name)
      elseif not remove(name) then
        kept = kept + 1
      end
    end
  until #names < CHUNK
end
if SET ~= 's' then
  remove_from('l', AGENTS_LEFT, now, function(name)
    return call('ZSCORE', SEEN, name)
  end)
end
remove_from('s', SEEN, now - GONE_AFTER)
local answer = answer_with(removed)
return finish(string.sub(answer, 1, -2) .. (following and ',"next":"' .. following .. '"' or '') .. '}', true)
`,
  "agent/register": `local NAME, HOST, PID, ID, TTL, TAKEOVER, GONE_AFTER = unpack(ARGV, 5, 11)
local record = call('HGET', AGENTS, NAME)
local known = record and cjson.decode(record)
local function is_live()
  local seen = tonumber(call('ZSCORE', SEEN, NAME) or -HUGE)
  if now >= seen + known.ttlMs or now - seen >= tonumber(GONE_AFTER) then return false end
  return known.registration ~= nil or known.host ~= HOST
end
if not known or known.registration ~= ID then
  local live = known and is_live()
  if live and TAKEOVER == '' then
    return finish('{"taken":true,' .. string.sub(answer_with({ shown_agent(NAME, record) }), 2))
  end
  local agent = { id = ID, role = '', workingOn = '', tags = '[]' }
  for field in pairs(agent) do agent[field] = known and known[field] or agent[field] end
  if known and not known.goneAtMs then agent.worker = known.worker end
  for i = 12, #ARGV, 2 do agent[ARGV[i]] = ARGV[i + 1] end
  agent.registration, agent.host, agent.pid, agent.ttlMs, agent.registeredAtMs = ID, HOST, tonumber(PID),
    tonumber(TTL), now
  record = cjson.encode(agent)
  call('HSET', AGENTS, NAME, record)
  call('ZADD', SEEN, int(now), NAME)
  call('HDEL', AGENT_REPORTED, NAME)
  emit('agent.registered', NAME, NAME, live and '{"takeover":true}')
end
return finish(answer_with({ shown_agent(NAME, record) }), true)
`,
  "agent/registered": `local function registered_at(name)
  local agent = call('HGET', AGENTS, name)
  return agent and cjson.decode(agent).registeredAtMs
end
`,
  "agent/rows": `local function count_held(name)
  return count_leases(name), count_claims(name)
end
local function shown_agent(name, record)
  local seen = call('ZSCORE', SEEN, name)
  local locks, tasks = count_held(name)
  return '{"name":"' .. name .. '","record":' .. record ..
    (seen and ',"seenAtMs":' .. int(seen) or '') ..
    ',"status":"' .. (call('HGET', AGENT_REPORTED, name) or 'active') ..
    '","locks":' .. locks .. ',"tasks":' .. tasks .. '}'
end
local function answer_with(agents)
  return '{"nowMs":' .. int(now) .. ',"agents":[' .. table.concat(agents, ',') .. ']}'
end
`,
  "agent/summary": `local CHUNK = 1000
local awake_from = now - ARGV[6]
local here = call('ZCOUNT', SEEN, '(' .. int(now - ARGV[5]), '+inf')
local awake = call('ZCOUNT', SEEN, int(awake_from), '+inf')
local gone = call('HLEN', AGENTS) - here
local counts = { active = awake, idle = 0, blocked = 0, hung = here - awake, gone = gone }
local reported = call('HGETALL', AGENT_REPORTED)
for first = 1, #reported, CHUNK * 2 do
  local names = {}
  for i = first, math.min(first + CHUNK * 2, #reported) - 1, 2 do names[#names + 1] = reported[i] end
  for i, seen in ipairs(call('ZMSCORE', SEEN, unpack(names))) do
    if seen and tonumber(seen) >= awake_from then
      local word = reported[first + i * 2 - 1]
      counts[word], counts.active = counts[word] + 1, counts.active - 1
    end
  end
end
return cjson.encode(counts)
`,
  "agent/take": `local FIELDS = 5
local function last_word(name)
  local seen = call('ZSCORE', SEEN, name)
  if seen then return tonumber(seen), true end
  local known = call('HGET', AGENTS, name)
  return known and cjson.decode(known).goneAtMs or -HUGE, false
end
local function remove(name)
  local first = '[' .. name .. '\\0'
  if call('ZLEXCOUNT', HELD, first, '(' .. name .. '\\1') > 0 then return end
  call('HDEL', AGENTS, name)
  call('ZREM', SEEN, name)
  call('ZREM', AGENTS_LEFT, name)
  call('HDEL', AGENT_REPORTED, name)
end
local function take(name, record, seen, left, status)
  call('HSET', AGENTS, name, record)
  if left == '' then
    call('ZADD', SEEN, seen, name)
    call('ZREM', AGENTS_LEFT, name)
  else
    call('ZREM', SEEN, name)
    call('ZADD', AGENTS_LEFT, left, name)
  end
  if left == '' and status ~= 'active' then
    call('HSET', AGENT_REPORTED, name, status)
  else
    call('HDEL', AGENT_REPORTED, name)
  end
end
for first = 5, #ARGV, FIELDS do
  local name, record, seen, left, status = unpack(ARGV, first, first + FIELDS - 1)
  local told = tonumber(left == '' and seen or left)
  local known, is_here = last_word(name)
  if told >= known then
    if record == '' then remove(name) else take(name, record, seen, left, status) end
    if is_here and left ~= '' then departed_at, dirty = now, true end
    if told > now then now, dirty = told, true end
  end
end
return finish('')
`,
  "agent/touch": `local DEFAULT_AGENT_TTL_MS = 60000
local function touch(name, host, pid)
  if call('ZSCORE', SEEN, name) then
    call('ZADD', SEEN, int(now), name)
    return
  end
  local function sequenced_id(prefix, at, number)
    local digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
    local function encode(value, length)
      local text = ''
      while #text < length do
        local digit = value % 32 + 1
        text = string.sub(digits, digit, digit) .. text
        value = math.floor(value / 32)
      end
      return text
    end
    return prefix .. '_' .. encode(at, 10) .. encode(number, 16)
  end
  local known = call('HGET', AGENTS, name)
  local agent = known and cjson.decode(known) or
    { role = '', workingOn = '', tags = '[]', ttlMs = DEFAULT_AGENT_TTL_MS, id = sequenced_id('agt', now, last_event + 1) }
  agent.registration, agent.goneAtMs, agent.seenAtMs, agent.worker = nil, nil, nil, nil
  agent.host, agent.pid, agent.registeredAtMs = host, tonumber(pid), now
  call('HSET', AGENTS, name, cjson.encode(agent))
  call('ZADD', SEEN, int(now), name)
  emit('agent.registered', name, name)
end
`,
  "approval/count": `local function written(status)
  local prefix = list_of('', status)
  return call('ZLEXCOUNT', APPROVAL_LISTS, '[' .. prefix, '(' .. prefix .. ':')
end
local lapsed = call('ZCOUNT', APPROVAL_DUE, '-inf', int(now))
return cjson.encode({
  pending = call('ZCARD', APPROVAL_DUE) - lapsed,
  approved = written('approved'),
  rejected = written('rejected'),
  expired = written('expired') + lapsed,
})
`,
  "approval/decide": `local id, status, comment = ARGV[5], ARGV[6], ARGV[7]
local function may_decide(approval)
  if approval.approvers == '' then return true end
  for _, name in ipairs(cjson.decode(approval.approvers)) do
    if name == ACTOR then return true end
  end
  return false
end
local approval = find(id)
if not approval then return finish('{"kind":"not_found"}') end
if replayed(id, 'approval.approved', 'approval.rejected') then
  approval.used = ''
  return finish(outcome('decided', approval))
end
if approval.requester == ACTOR then return finish(outcome('own', approval)) end
if not may_decide(approval) then return finish(outcome('not_approver', approval)) end
if status_at(approval, now) ~= 'pending' then
  local closed = outcome('closed', approval)
  sweep_expired()
  return finish(closed)
end
sweep_expired()
approval.decision = ',"decidedBy":"' .. ACTOR .. '","decidedAtMs":' .. int(now) ..
  (comment ~= '' and ',"comment":' .. comment or '')
move(approval, status, ACTOR)
return finish(outcome('decided', approval))
`,
  "approval/get": `local approval = find(ARGV[5])
return approval and show(approval) or 'null'
`,
  "approval/list": `local LONG_SHOWN_AT_ONCE = 125
local LONG_SHOWN_AT_A_TIME = 8
local LONG_SHOWN_BYTES = 262144
local APPROVALS_LOOKED_AT = 1024
local status, requester, before, limit, below = ARGV[5], ARGV[6], ARGV[7], tonumber(ARGV[8]), ARGV[9]
local MOST = math.min(limit, LONG_SHOWN_AT_ONCE)
local CHUNK = MOST + 1
local SOURCES = {
  pending = { { 'pending', function(expires) return expires > now end } },
  approved = { { 'approved' } },
  rejected = { { 'rejected' } },
  expired = { { 'expired' }, { 'pending', function(expires) return expires <= now end } },
  [''] = { { 'pending' }, { 'approved' }, { 'rejected' }, { 'expired' } },
}
local function open_list(name, counts, end_number)
  local prefix = list_of(requester, name)
  return {
    first = '[' .. prefix,
    last = '(' .. prefix .. end_number,
    skip = #prefix,
    counts = counts,
    at = 1,
    heads = {},
  }
end
local looks = 0
local function fill(source)
  source.at, source.heads = 1, {}
  repeat
    if looks >= APPROVALS_LOOKED_AT then
      source.heads[1] = { number = source.number, ends = true }
      return
    end
    local members = call('ZREVRANGEBYLEX', APPROVAL_LISTS, source.last, source.first, 'LIMIT', 0, CHUNK)
    source.ended = #members < CHUNK
    if #members == 0 then return end
    source.last = '(' .. members[#members]
    if source.counts then
      looks = looks + #members
      source.number = tonumber(string.sub(members[#members], source.skip + 1, source.skip + 12))
    end
    local ids = {}
    for i, member in ipairs(members) do ids[i] = string.sub(member, source.skip + 13) end
    local expiries = source.counts and call('ZMSCORE', APPROVAL_DUE, unpack(ids))
    for i, member in ipairs(members) do
      if not source.counts or source.counts(tonumber(expiries[i])) then
        local number = tonumber(string.sub(member, source.skip + 1, source.skip + 12))
        source.heads[#source.heads + 1] = { number = number, id = ids[i] }
      end
    end
  until #source.heads > 0 or source.ended
end
local function head_of(source)
  if source.at > #source.heads and not source.ended then fill(source) end
  return source.heads[source.at]
end
local end_number = ':'
if below ~= '' then
  end_number = below
elseif before ~= '' then
  local approval = find(before)
  if not approval then return 'null' end
  end_number = approval.number
end
local sources = {}
local any_lapsed = call('ZCOUNT', APPROVAL_DUE, '-inf', int(now)) > 0
for _, source in ipairs(SOURCES[status]) do
  local name, counts = unpack(source)
  if any_lapsed or name == status or not counts then
    sources[#sources + 1] = open_list(name, any_lapsed and counts, end_number)
  end
end
local ids, numbers, go_on = {}, {}, nil
while #ids <= MOST do
  local newest
  for _, source in ipairs(sources) do
    local head = head_of(source)
    if head and (not newest or head.number > head_of(newest).number) then newest = source end
  end
  if not newest then break end
  local head = head_of(newest)
  if head.ends then
    go_on = head.number
    break
  end
  ids[#ids + 1], numbers[#numbers + 1] = head.id, head.number
  newest.at = newest.at + 1
end
local more = #ids > MOST
if more then ids[#ids] = nil end
if more and MOST < limit then go_on = numbers[MOST] end
local approvals, left = show_until(ids, LONG_SHOWN_AT_A_TIME, LONG_SHOWN_BYTES, function(chunk)
  local texts = call('HMGET', APPROVALS, unpack(chunk))
  for i, record in ipairs(texts) do texts[i] = show(parse(chunk[i], record)) end
  return texts
end)
if left then go_on = numbers[left - 1] end
return '{"approvals":[' .. table.concat(approvals, ',') .. '],"more":' .. tostring(more) ..
  (go_on and string.format(',"next":"%012.0f"', go_on) or '') .. '}'
`,
  "approval/look": `local id, waker = ARGV[5], ARGV[6]
local approval = find(id)
if not approval then return finish('null') end
local status = status_at(approval, now)
if status == 'pending' and waker ~= '' then listen('approval:' .. id, waker) end
if status ~= approval.status then move(approval, status) end
return finish('{"approval":' .. show(approval) .. ',"nowMs":' .. int(now) .. '}')
`,
  "approval/prune": `local BEFORE, AFTER, left, DRY = now - ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8] == '1'
local STATUSES, PLACES = { 'approved', 'rejected', 'expired' }, 1000000000000
local function ended_at(approval)
  local decided = tonumber(string.match(approval.decision, '"decidedAtMs":(%d+)') or approval.expires)
  return math.max(decided, tonumber(approval.used) or 0)
end
local function remove(approval)
  file('ZREM', approval)
  call('HDEL', APPROVALS, approval.id)
  if approval.key ~= '' then call('HDEL', APPROVAL_KEYS, approval.key) end
end
sweep_expired()
local pruned, next_after = 0, nil
for i, status in ipairs(STATUSES) do
  if not next_after and AFTER < i * PLACES then
    local prefix = list_of('', status)
    local from = string.format('%012.0f', math.max(AFTER - (i - 1) * PLACES, 0))
    local members = call('ZRANGEBYLEX', APPROVAL_LISTS, '(' .. prefix .. from .. '\\255', '(' .. prefix .. ':', 'LIMIT', 0, left)
    local count, reached = 0, false
    for _, member in ipairs(members) do
      local approval = find(string.sub(member, #prefix + 13))
      if tonumber(approval.created) >= BEFORE then
        reached = true
        break
      end
      if ended_at(approval) < BEFORE then
        if not DRY then remove(approval) end
        count = count + 1
      end
    end
    left, pruned = left - #members, pruned + count
    if left == 0 and not reached then
      next_after = (i - 1) * PLACES + tonumber(string.sub(members[#members], #prefix + 1, #prefix + 12))
    end
    if count > 0 and not DRY then
      emit('approval.pruned', status, ACTOR, '{"count":' .. count .. ',"olderThanMs":' .. ARGV[5] .. '}')
    end
  end
end
return finish('{"pruned":' .. pruned .. (next_after and ',"next":' .. int(next_after) or '') .. '}', true)
`,
  "approval/record": `local APPROVALS_EXPIRED_AT_ONCE = 32
local FIELDS = '^' .. string.rep('(%Z*)%z', 10) .. '(%Z*)(.*)$'
local function parse(id, record)
  local approval = { id = id }
  approval.number, approval.status, approval.requester, approval.created, approval.expires, approval.used,
    approval.digest, approval.approvers, approval.head, approval.decision, approval.key,
    approval.added = string.match(record, FIELDS)
  return approval
end
local function find(id)
  local record = id and call('HGET', APPROVALS, id)
  return record and parse(id, record)
end
local function save(approval)
  call('HSET', APPROVALS, approval.id, table.concat({
    approval.number,
    approval.status,
    approval.requester,
    approval.created,
    approval.expires,
    approval.used,
    approval.digest,
    approval.approvers,
    approval.head,
    approval.decision,
    approval.key,
  }, '\\0') .. (approval.added or ''))
end
local function list_of(requester, status)
  return requester .. '\\0' .. status .. '\\0'
end
local function file(command, approval)
  for _, requester in ipairs({ '', approval.requester }) do
    local member = list_of(requester, approval.status) .. approval.number .. approval.id
    if command == 'ZADD' then
      call('ZADD', APPROVAL_LISTS, 0, member)
    else
      call('ZREM', APPROVAL_LISTS, member)
    end
  end
end
local STATUSES = { pending = true, approved = true, rejected = true, expired = true }
local function status_at(approval, at)
  if not STATUSES[approval.status] then error('approval ' .. approval.id .. ' has no status') end
  if approval.status == 'pending' and tonumber(approval.expires) <= at then return 'expired' end
  return approval.status
end
local function show(approval, at)
  return table.concat({
    approval.head,
    ',"requestedBy":"',
    approval.requester,
    '","status":"',
    status_at(approval, at or now),
    '","createdAtMs":',
    approval.created,
    ',"expiresAtMs":',
    approval.expires,
    approval.digest ~= '' and ',"digest":' .. cjson.encode(approval.digest) or '',
    approval.approvers ~= '' and ',"approvers":' .. approval.approvers or '',
    approval.decision,
    approval.used ~= '' and ',"usedAtMs":' .. approval.used or '',
    '}',
  })
end
local function outcome(kind, approval)
  return '{"kind":"' .. kind .. '","approval":' .. show(approval) .. ',"nowMs":' .. int(now) .. '}'
end
local function move(approval, status, by)
  file('ZREM', approval)
  call('ZREM', APPROVAL_DUE, approval.id)
  approval.status = status
  file('ZADD', approval)
  save(approval)
  emit('approval.' .. status, approval.id, by, '{"requestedBy":"' .. approval.requester .. '"}')
  notify('approval:' .. approval.id)
end
local function sweep_expired()
  for _, id in ipairs(call('ZRANGEBYSCORE', APPROVAL_DUE, '-inf', int(now), 'LIMIT', 0, APPROVALS_EXPIRED_AT_ONCE)) do
    move(find(id), 'expired')
  end
end
local function replayed(id, ...)
  if not is_retry then return false end
  for _, item in ipairs((replay())) do
    for _, type in ipairs({ ... }) do
      if item[1] == type and item[2] == id then return true end
    end
  end
  return false
end
`,
  "approval/request": `local id, key, timeout, digest, approvers, action, head = unpack(ARGV, 5, 11)
local known = find(id) or find(key ~= '' and call('HGET', APPROVAL_KEYS, key))
if known then
  if is_retry and known.id == id then
    known.status, known.used, known.decision = 'pending', '', ''
    return finish(show(known, tonumber(known.created)))
  end
  return finish(show(known))
end
sweep_expired()
local number = (call('HGET', APPROVAL_KEYS, '\\0number') or 0) + 1
call('HSET', APPROVAL_KEYS, '\\0number', int(number))
local approval = {
  id = id,
  number = string.format('%012.0f', number),
  status = 'pending',
  requester = ACTOR,
  created = int(now),
  expires = int(now + timeout),
  used = '',
  digest = digest,
  approvers = approvers,
  head = head,
  decision = '',
  key = key,
}
save(approval)
file('ZADD', approval)
call('ZADD', APPROVAL_DUE, approval.expires, id)
if key ~= '' then call('HSET', APPROVAL_KEYS, key, id) end
emit('approval.requested', id, ACTOR, '{"actionType":"' .. action .. '"}')
return finish(show(approval))
`,
  "approval/take": `local at, conflicts = 5, {}
local function argument()
  at = at + 1
  return ARGV[at - 1]
end
local function conflict(id, kind, more)
  conflicts[#conflicts + 1] = cjson.encode({ id, kind, more or '' })
end
local function is_decided(status)
  return status == 'approved' or status == 'rejected'
end
local function give_key_back(approval)
  if approval.key ~= '' and call('HGET', APPROVAL_KEYS, approval.key) == approval.id then
    call('HDEL', APPROVAL_KEYS, approval.key)
  end
end
local function displace(approval)
  file('ZREM', approval)
  call('ZREM', APPROVAL_DUE, approval.id)
  give_key_back(approval)
end
local function keep_decision(told, here)
  if not is_decided(here.status) then return end
  if here.status ~= told.status or here.decision ~= told.decision then
    if told.status ~= 'pending' then conflict(told.id, 'decided', here.status) end
    told.status, told.decision, told.used = here.status, here.decision, here.used
  elseif here.used ~= '' then
    if told.used ~= '' and told.used ~= here.used then conflict(told.id, 'used') end
    told.used = here.used
  end
end
local function next_number()
  return string.format('%012.0f', call('HINCRBY', APPROVAL_KEYS, '\\0number', 1))
end
local function take_approval()
  local told = { id = argument(), key = argument(), status = argument(), requester = argument() }
  told.created, told.expires, told.used = argument(), argument(), argument()
  told.digest, told.approvers, told.head, told.decision = argument(), argument(), argument(), argument()
  local here = find(told.id)
  if here then
    keep_decision(told, here)
    if here.status == 'expired' and told.status == 'pending' then told.status = 'expired' end
    displace(here)
    told.added = here.added
  end
  told.number = here and here.number or next_number()
  local owner = told.key ~= '' and call('HGET', APPROVAL_KEYS, told.key)
  if owner and owner ~= told.id then
    conflict(told.id, 'key', owner)
    told.key = ''
  end
  if told.key ~= '' then call('HSET', APPROVAL_KEYS, told.key, told.id) end
  save(told)
  file('ZADD', told)
  if told.status == 'pending' then
    call('ZADD', APPROVAL_DUE, told.expires, told.id)
  else
    notify('approval:' .. told.id)
  end
end
local function take_away()
  local here = find(argument())
  if not here then return end
  displace(here)
  call('HDEL', APPROVALS, here.id)
  notify('approval:' .. here.id)
end
while at <= #ARGV do
  if argument() == 'moved' then take_approval() else take_away() end
end
dirty = true
return finish(keep_conflicts('approval', conflicts))
`,
  "approval/use": `local id, digest = ARGV[5], ARGV[6]
local approval = find(id)
if not approval then return finish('{"kind":"not_found"}') end
if replayed(id, 'approval.used') then return finish(outcome('used', approval)) end
if approval.requester ~= ACTOR then return finish(outcome('not_requester', approval)) end
if approval.status ~= 'approved' then return finish(outcome('not_approved', approval)) end
if approval.digest ~= digest then return finish(outcome('other_digest', approval)) end
if approval.used ~= '' then return finish(outcome('used_before', approval)) end
approval.used = int(now)
save(approval)
emit('approval.used', id, ACTOR)
return finish(outcome('used', approval))
`,
  "audit/append": `local LONG_SHOWN_AT_ONCE = 125
local LONG_SHOWN_AT_A_TIME = 8
local LONG_SHOWN_BYTES = 262144
local function bytes_of(entry)
  local bytes = 0
  for i = 2, #entry[2], 2 do bytes = bytes + #entry[2][i] end
  return bytes
end
local function digits16(number)
  return string.format('%016.0f', number)
end
local function audit_field(entry, name)
  for i = 1, #entry[2], 2 do
    if entry[2][i] == name then return entry[2][i + 1] end
  end
end
local function entry_at(number)
  local id = int(number) .. '-0'
  return call('XRANGE', AUDIT, id, id)[1]
end
local function entries_at(places)
  local entries, bytes = {}, 0
  for _, place in ipairs(places) do
    if bytes > LONG_SHOWN_BYTES or #entries >= LONG_SHOWN_AT_ONCE then return entries, true end
    local entry = entry_at(string.sub(place, -16))
    if entry then
      entries[#entries + 1], bytes = entry, bytes + bytes_of(entry)
    end
  end
  return entries, false
end
local function entries_from(command, start, stop, most)
  local entries, bytes = {}, 0
  while #entries < most do
    if bytes > LONG_SHOWN_BYTES or #entries >= LONG_SHOWN_AT_ONCE then return entries, true end
    local count = math.min(LONG_SHOWN_AT_A_TIME, most - #entries)
    local chunk = call(command, AUDIT, start, stop, 'COUNT', count)
    for _, entry in ipairs(chunk) do
      entries[#entries + 1], bytes = entry, bytes + bytes_of(entry)
    end
    if #chunk < count then break end
    start = '(' .. chunk[count][1]
  end
  return entries, false
end
local function last_number_ever()
  local facts = call('XINFO', 'STREAM', AUDIT)
  for i = 1, #facts, 2 do
    if facts[i] == 'last-generated-id' then return tonumber(string.match(facts[i + 1], '^%d+')) end
  end
end
local function link_entry(at, id, agent, type, context, reason, refs, content_hash, key)
  local newest = call('XREVRANGE', AUDIT, '+', '-', 'COUNT', 1)[1]
  local link = redis.sha1hex((newest and audit_field(newest, 'link') or '') .. content_hash)
  local fields = { 'id', id, 'agent', agent, 'decision_type', type, 'context', context, 'reason', reason,
    'refs', refs, 'created_at_ms', int(at), 'content_hash', content_hash, 'link', link }
  local number = call('HLEN', AUDIT_IDS) + 1
  local refused = redis.pcall('XADD', AUDIT, int(number) .. '-0', unpack(fields)).err
  if refused then
    if string.find(refused, 'equal or smaller', 1, true) then number = last_number_ever() + 1 end
    call('XADD', AUDIT, int(number) .. '-0', unpack(fields))
  end
  call('HSET', AUDIT_IDS, id, int(number))
  if key ~= '' then call('HSET', AUDIT_KEYS, key, int(number)) end
  local place = digits16(number)
  call('ZADD', AUDIT_BY, 0, agent .. '\\0\\0' .. place, 0, '\\0' .. type .. '\\0' .. place,
    0, agent .. '\\0' .. type .. '\\0' .. place, 0, '@' .. digits16(at) .. place)
  return { int(number) .. '-0', fields }
end
local function append_audit(id, agent, type, context, reason, refs, content_hash, key)
  local known = call('HGET', AUDIT_IDS, id) or key ~= '' and call('HGET', AUDIT_KEYS, key)
  local entry = known and entry_at(known)
  if entry then return entry end
  entry = link_entry(now, id, agent, type, context, reason, refs, content_hash, key)
  emit('audit.logged', id, agent, '{"decisionType":' .. cjson.encode(type) .. '}')
  notify('audit')
  return entry
end
`,
  "audit/chain": `local START, LIMIT = ARGV[5], tonumber(ARGV[6])
local entries, cut = entries_from('XRANGE', START, '+', LIMIT)
return { call('HLEN', AUDIT_IDS), now, (cut or #entries == LIMIT) and 1 or 0, unpack(entries) }
`,
  "audit/follow": `local AGENT, TYPE, AFTER, LIMIT, WAKER = unpack(ARGV, 5, 9)
local first = 1
if AFTER ~= '' then
  local number = call('HGET', AUDIT_IDS, AFTER)
  if not number then return finish(false) end
  first = number + 1
end
local entries, cut
if AGENT == '' and TYPE == '' then
  entries, cut = entries_from('XRANGE', int(first), '+', tonumber(LIMIT))
else
  local group = AGENT .. '\\0' .. TYPE .. '\\0'
  entries, cut = entries_at(call('ZRANGEBYLEX', AUDIT_BY, '[' .. group .. digits16(first), '(' .. group .. 'A',
    'LIMIT', 0, LIMIT))
end
if WAKER ~= '' and #entries == 0 then listen('audit', WAKER) end
local newest = cut and entries[#entries] or call('XREVRANGE', AUDIT, '+', '-', 'COUNT', 1)[1]
table.insert(entries, 1, newest and audit_field(newest, 'id') or '')
return finish(entries)
`,
  "audit/list": `local AGENT, TYPE, SINCE, BEFORE, LIMIT, BELOW = unpack(ARGV, 5, 10)
local first, last = 0, 9007199254740991
if BELOW ~= '' then
  last = tonumber(BELOW) - 1
elseif BEFORE ~= '' then
  last = tonumber(call('HGET', AUDIT_IDS, BEFORE) or 0) - 1
  if last < 0 then return false end
end
if SINCE ~= '' then
  local place = call('ZRANGEBYLEX', AUDIT_BY, '[@' .. digits16(SINCE), '(A', 'LIMIT', 0, 1)[1]
  if not place then return { 0 } end
  first = tonumber(string.sub(place, -16))
end
if first > last then return { 0 } end
local entries, cut
if AGENT == '' and TYPE == '' then
  entries, cut = entries_from('XREVRANGE', int(last), int(first), tonumber(LIMIT))
else
  local group = AGENT .. '\\0' .. TYPE .. '\\0'
  local from, to = '[' .. group .. digits16(first), '[' .. group .. digits16(last)
  entries, cut = entries_at(call('ZREVRANGEBYLEX', AUDIT_BY, to, from, 'LIMIT', 0, LIMIT))
end
table.insert(entries, 1, cut and 1 or 0)
return entries
`,
  "audit/log": `return finish(append_audit(unpack(ARGV, 5)))
`,
  "audit/take": `local FIELDS = 9
local without_key = {}
local taken = false
local newest = call('XREVRANGE', AUDIT, '+', '-', 'COUNT', 1)[1]
local earliest = newest and tonumber(audit_field(newest, 'created_at_ms')) or 0
for first = 5, #ARGV, FIELDS do
  local at, id, agent, type, context, reason, refs, content_hash, key = unpack(ARGV, first, first + FIELDS - 1)
  local known = call('HGET', AUDIT_IDS, id)
  if not (known and entry_at(known)) then
    earliest, taken = math.max(earliest, tonumber(at)), true
    if key ~= '' and call('HEXISTS', AUDIT_KEYS, key) == 1 then
      without_key[#without_key + 1], key = cjson.encode(id), ''
    end
    link_entry(earliest, id, agent, type, context, reason, refs, content_hash, key)
  end
end
if taken then
  if earliest > now then now, dirty = earliest, true end
  notify('audit')
end
return finish(keep_conflicts('audit', without_key))
`,
  "board/ack": `if ARGV[5] ~= '' then
  local number = call('HGET', BOARD_IDS, ARGV[5])
  if not number then return finish('false') end
  local cursor = find_cursor()
  acknowledge(cursor, number)
  save_cursor(cursor)
elseif not replayed_messages() then
  local cursor = find_cursor()
  remember(cursor, '')
  acknowledge(cursor, number_of(messages))
  save_cursor(cursor)
end
return finish('true')
`,
  "board/addressed": `local SHOWN_AT_ONCE = 250
local first = ARGV[5] .. '\\0n'
local numbers, reasons = {}, {}
for i, member in ipairs(call('ZRANGEBYLEX', INBOX, '[' .. first, '(' .. ARGV[5] .. '\\0o', 'LIMIT', 0, ARGV[6])) do
  numbers[i] = string.sub(member, #first + 1, #first + 12)
  reasons[numbers[i]] = string.sub(member, #first + 13)
end
local shown, count = show_messages(numbers, reasons, SHOWN_AT_ONCE)
local rest = {}
for i = count + 1, #numbers do rest[i - count] = '["' .. numbers[i] .. '","' .. reasons[numbers[i]] .. '"]' end
return '{"messages":[' .. shown .. '],"rest":[' .. table.concat(rest, ',') .. ']}'
`,
  "board/count": `local function count(status)
  local first = '\\0' .. status .. '\\0'
  return call('ZLEXCOUNT', BOARD_LISTS, '[' .. first, '(' .. first .. ':')
end
return cjson.encode({ active = count('active'), waiting = count('waiting'), resolved = count('resolved') })
`,
  "board/delivery": `local WORDS_AT_ONCE, MEMBERS_AT_ONCE = 2000, 1000
local function index_words(thread, words)
  local scored = {}
  for word in string.gmatch(words, '[^ ]+') do
    scored[#scored + 1] = 0
    scored[#scored + 1] = word .. '\\0' .. thread.number
    if #scored == WORDS_AT_ONCE * 2 then
      call('ZADD', BOARD_WORDS, unpack(scored))
      scored = {}
    end
  end
  if #scored > 0 then call('ZADD', BOARD_WORDS, unpack(scored)) end
end
local function mark_members(thread, number)
  local first = thread.number .. 'r'
  local members = call('ZRANGEBYLEX', THREAD_PARTS, '[' .. first, '(' .. thread.number .. 's')
  for from = 1, #members, MEMBERS_AT_ONCE do
    local read, marks, unread, topics = {}, {}, {}, {}
    for i = from, math.min(from + MEMBERS_AT_ONCE - 1, #members) do
      local agent = string.sub(members[i], #first + 1)
      if agent ~= ACTOR then
        local count = #read + 1
        read[count], topics[count] = members[i], 'inbox:' .. agent
        marks[count * 2 - 1], marks[count * 2] = 0, thread.number .. 's' .. agent .. '\\0' .. number
        unread[count * 2 - 1], unread[count * 2] = 0, agent .. '\\0u' .. number .. thread.number
      end
    end
    if #read > 0 then
      call('ZREM', THREAD_PARTS, unpack(read))
      call('ZADD', THREAD_PARTS, unpack(marks))
      call('ZADD', INBOX, unpack(unread))
      notify_all(topics)
    end
  end
end
local function wake_everybody()
  local wakers = call('ZRANGEBYSCORE', INBOX_WAITERS, int(now - LISTENER_MS), '+inf')
  for _, waker in ipairs(wakers) do wake(waker) end
  call('DEL', INBOX_WAITERS)
end
local function append(thread, key)
  messages = messages + 1
  local message = {
    number = number_of(messages),
    id = ARGV[5],
    author = ACTOR,
    at = int(now),
    text = ARGV[6],
    to = ARGV[7],
  }
  local opens = not thread.number
  thread.number = thread.number or message.number
  local fields = { message.id, thread.number, ACTOR, message.at, message.to, key, ARGV[8], message.text }
  call('HSET', MESSAGES, message.number, table.concat(fields, '\\0'))
  call('HSET', BOARD_IDS, 'm' .. message.id, message.number)
  index_words(thread, ARGV[9])
  for name, reason in string.gmatch(ARGV[8], '([^ :]+):(%a)') do
    call('ZADD', INBOX, 0, name .. '\\0n' .. message.number .. reason)
    notify('inbox:' .. name)
  end
  if opens then
    if thread.priority == 'high' then
      call('ZADD', BOARD_LISTS, 0, urgent_place(thread))
      wake_everybody()
    end
  else
    call('ZADD', THREAD_PARTS, 0, thread.number .. 'm' .. message.number .. ACTOR)
    mark_members(thread, message.number)
  end
  local mark = thread.number .. 's' .. ACTOR
  if not call('ZRANGEBYLEX', THREAD_PARTS, '[' .. mark .. '\\0', '(' .. mark .. '\\1', 'LIMIT', 0, 1)[1] then
    call('ZADD', THREAD_PARTS, 0, thread.number .. 'r' .. ACTOR)
  end
  return message
end
`,
  "board/filing": `local function places_of(thread)
  local tail = '\\0' .. thread.status .. '\\0' .. thread.number
  local places = { tail, 'a' .. thread.author .. tail }
  for _, tag in ipairs(cjson.decode(thread.tags)) do places[#places + 1] = 't' .. tag .. tail end
  return places
end
local function urgent_place(thread)
  return 'h\\0' .. string.format('%014.0f', thread.created) .. thread.number .. thread.author
end
local function file(thread)
  local scored = {}
  for _, place in ipairs(places_of(thread)) do
    scored[#scored + 1] = 0
    scored[#scored + 1] = place
  end
  call('ZADD', BOARD_LISTS, unpack(scored))
end
local function update(thread, status)
  thread.updated = int(now)
  if status ~= thread.status then
    call('ZREM', BOARD_LISTS, unpack(places_of(thread)))
    thread.status = status
    file(thread)
  end
  save_thread(thread)
end
`,
  "board/get": `local thread = find_thread(ARGV[5])
return thread and show(thread) or 'null'
`,
  "board/hiding": `local function hide(thread)
  call('ZREM', BOARD_LISTS, unpack(places_of(thread)))
  if thread.priority == 'high' then call('ZREM', BOARD_LISTS, urgent_place(thread)) end
  call('HDEL', BOARD_IDS, 't' .. thread.id)
  local key = message_at(thread.number).key
  if key ~= '' then call('HDEL', BOARD_IDS, 'T' .. key) end
  thread.status = REMOVING
  save_thread(thread)
  call('ZADD', BOARD_REMOVING, 0, thread.number)
end
`,
  "board/inbox": `local SHOWN_AT_ONCE = 250
local limit, ack, waker = tonumber(ARGV[5]), ARGV[6] == '1', ARGV[7]
local given = replayed_messages()
if given then
  local numbers, reasons = {}, {}
  for number, reason in string.gmatch(given, '(%d+)(%a)') do
    numbers[#numbers + 1] = number_of(number)
    reasons[number_of(number)] = reason
  end
  return finish('{"messages":[' .. show_messages(numbers, reasons, limit) .. '],"rest":[]}')
end
local cursor = find_cursor()
if tidy(cursor) then return finish('{"messages":[],"rest":[],"untidy":true}') end
local numbers, reasons = unread(cursor, limit)
if #numbers == 0 then
  if waker ~= '' then
    listen('inbox:' .. ACTOR, waker)
    call('ZREMRANGEBYSCORE', INBOX_WAITERS, '-inf', '(' .. int(now - LISTENER_MS))
    call('ZADD', INBOX_WAITERS, int(now), waker)
  end
  return finish('{"messages":[],"rest":[]}')
end
local shown, count = show_messages(numbers, reasons, ack and limit or SHOWN_AT_ONCE)
if ack then
  local giving = {}
  for i = 1, count do giving[i] = int(tonumber(numbers[i])) .. reasons[numbers[i]] end
  remember(cursor, table.concat(giving))
  acknowledge(cursor, numbers[count])
  save_cursor(cursor)
end
local rest = {}
for i = count + 1, #numbers do rest[i - count] = '["' .. numbers[i] .. '","' .. reasons[numbers[i]] .. '"]' end
return finish('{"messages":[' .. shown .. '],"rest":[' .. table.concat(rest, ',') .. ']}')
`,
  "board/inbox_rest": `local SHOWN_AT_ONCE = 250
local numbers, reasons = {}, {}
for i = 5, #ARGV, 2 do
  numbers[#numbers + 1] = ARGV[i]
  reasons[ARGV[i]] = ARGV[i + 1]
end
local shown, looked = show_messages(numbers, reasons, SHOWN_AT_ONCE)
return '{"messages":[' .. shown .. '],"looked":' .. looked .. '}'
`,
  "board/largest": `local SAMPLED = 64
local THREADS_SIZED = 100
local below = ARGV[5] == '' and ':' or number_of(tonumber(ARGV[5]))
local numbers = {}
for _, status in ipairs({ 'active', 'waiting', 'resolved' }) do
  local prefix = '\\0' .. status .. '\\0'
  local members = call('ZREVRANGEBYLEX', BOARD_LISTS, '(' .. prefix .. below, '[' .. prefix, 'LIMIT', 0, THREADS_SIZED)
  for _, member in ipairs(members) do numbers[#numbers + 1] = string.sub(member, #prefix + 1) end
end
table.sort(numbers, function(a, b) return a > b end)
local function size_of(thread)
  local first, bytes = thread.number .. 'm', 0
  local newest = call('ZREVRANGEBYLEX', THREAD_PARTS, '(' .. thread.number .. 'n', '[' .. first, 'LIMIT', 0, SAMPLED)
  for _, member in ipairs(newest) do
    bytes = bytes + call('HSTRLEN', MESSAGES, string.sub(member, #first + 1, #first + 12))
  end
  if #newest > 0 then bytes = math.floor(bytes * math.max(1, thread.replies / #newest)) end
  return bytes + call('HSTRLEN', MESSAGES, thread.number)
end
local most, largest, looked = -1, nil, math.min(#numbers, THREADS_SIZED)
for i = 1, looked do
  local thread = thread_at(numbers[i])
  local bytes = size_of(thread)
  if bytes > most then largest, most = thread.id, bytes end
end
if not largest then return '{"bytes":0,"looked":0}' end
return '{"id":"' .. largest .. '","bytes":' .. int(most) .. ',"looked":' .. looked ..
  (#numbers >= THREADS_SIZED and ',"next":' .. int(tonumber(numbers[looked])) or '') .. '}'
`,
  "board/list": `local facets = { unpack(ARGV, 9) }
if #facets == 0 then facets[1] = '' end
local groups = {}
for _, status in ipairs(ARGV[8] ~= '' and { ARGV[8] } or { 'active', 'waiting', 'resolved' }) do
  local lists = {}
  for i, facet in ipairs(facets) do lists[i] = facet .. '\\0' .. status .. '\\0' end
  groups[#groups + 1] = lists
end
return page(BOARD_LISTS, groups)
`,
  "board/lookup": `local SHOWN_AT_ONCE = 250
local SHOWN_AT_A_TIME = 4
local SHOWN_BYTES = 524288
local SEEKS = 2048
local MOST_REMOVING = 100
local function newest_shared(set, lists, below, most)
  local found, agreed, candidate = {}, 0, below - 1
  if #lists == 1 then
    local first = lists[1]
    local last = '[' .. first .. number_of(candidate)
    local members = call('ZREVRANGEBYLEX', set, last, '[' .. first, 'LIMIT', 0, most)
    for i, member in ipairs(members) do found[i] = tonumber(string.sub(member, #first + 1)) end
    return found
  end
  for seek = 0, SEEKS - 1 do
    local first = lists[seek % #lists + 1]
    local last = '[' .. first .. number_of(candidate)
    local member = call('ZREVRANGEBYLEX', set, last, '[' .. first, 'LIMIT', 0, 1)[1]
    if not member then return found end
    local number = tonumber(string.sub(member, #first + 1))
    agreed = number == candidate and agreed + 1 or 1
    candidate = number
    if agreed == #lists then
      found[#found + 1] = number
      if #found == most then return found end
      candidate, agreed = number - 1, 0
    end
  end
  return found, candidate + 1
end
local function show_threads(numbers)
  local shown, left = show_until(numbers, SHOWN_AT_A_TIME, SHOWN_BYTES, function(chunk)
    local texts, openings = {}, call('HMGET', MESSAGES, unpack(chunk))
    for i, record in ipairs(call('HMGET', THREADS, unpack(chunk))) do
      if record then
        texts[#texts + 1] = show_thread(parse_thread(chunk[i], record), parse_message(chunk[i], openings[i]))
      end
    end
    return texts
  end)
  return table.concat(shown, ','), left and numbers[left - 1]
end
local function page(set, groups)
  local before, below, limit = ARGV[5], tonumber(ARGV[6]) or messages + 1, tonumber(ARGV[7])
  if before ~= '' and ARGV[6] == '' then
    below = tonumber(call('HGET', BOARD_IDS, before) or nil)
    if not below then return 'null' end
  end
  local most = math.min(limit, SHOWN_AT_ONCE)
  local numbers, go_on = {}, 0
  local removing, hidden = call('ZRANGE', BOARD_REMOVING, 0, MOST_REMOVING - 1), {}
  for _, number in ipairs(removing) do hidden[tonumber(number)] = true end
  for _, lists in ipairs(groups) do
    local found, from = newest_shared(set, lists, below, most + 1 + #removing)
    go_on = math.max(go_on, from or 0)
    for _, number in ipairs(found) do
      if not hidden[number] then numbers[#numbers + 1] = number end
    end
  end
  table.sort(numbers, function(a, b) return a > b end)
  local kept = {}
  for _, number in ipairs(numbers) do
    if number < go_on or #kept > most then break end
    kept[#kept + 1] = number_of(number)
  end
  local more = #kept > most
  if more then kept[#kept] = nil end
  local shown, last = show_threads(kept)
  if more and most < limit then last = last or kept[#kept] end
  local below_next = last and tonumber(last) or not more and go_on > 0 and go_on
  local next_below = below_next and ',"next":' .. int(below_next) or ''
  return '{"threads":[' .. shown .. '],"more":' .. tostring(more) .. next_below .. '}'
end
`,
  "board/messages": `local SHOWN_BYTES = 524288
local SHOWN_AT_A_TIME = 4
local REASONS = { d = 'direct', m = 'mention', r = 'reply', h = 'high_priority' }
local function show_messages(numbers, reasons, most)
  local shown, left = show_until(numbers, SHOWN_AT_A_TIME, SHOWN_BYTES, function(chunk)
    local found, threads, texts = {}, {}, {}
    for i, record in ipairs(call('HMGET', MESSAGES, unpack(chunk))) do
      if record then
        found[#found + 1] = parse_message(chunk[i], record)
        threads[#threads + 1] = found[#found].thread
      end
    end
    for i, record in ipairs(#threads > 0 and call('HMGET', THREADS, unpack(threads)) or {}) do
      local message, thread = found[i], parse_thread(threads[i], record)
      texts[i] = table.concat({
        '{"id":"',
        message.id,
        '","threadId":"',
        thread.id,
        '","title":',
        thread.title,
        ',"author":"',
        message.author,
        '","message":',
        message.text,
        ',"reason":"',
        REASONS[reasons[message.number]],
        '","priority":"',
        thread.priority,
        '","atMs":',
        message.at,
        '}',
      })
    end
    return texts
  end, most)
  return table.concat(shown, ','), left and left - 1 or #numbers
end
`,
  "board/post": `local id, key, title, priority, tags = unpack(ARGV, 10, 14)
local known = call('HGET', BOARD_IDS, 't' .. id)
if known and is_retry then
  local thread = thread_at(known)
  thread.status, thread.replies, thread.updated = 'active', '0', thread.created
  return finish(show(thread))
end
known = known or key ~= '' and call('HGET', BOARD_IDS, 'T' .. key)
if known then return finish(show(thread_at(known))) end
local thread = {
  id = id,
  status = 'active',
  replies = '0',
  updated = int(now),
  priority = priority,
  author = ACTOR,
  created = int(now),
  tags = tags,
  title = title,
}
local opening = append(thread, key)
save_thread(thread)
file(thread)
call('HSET', BOARD_IDS, 't' .. id, thread.number)
if key ~= '' then call('HSET', BOARD_IDS, 'T' .. key, thread.number) end
emit('thread.posted', id, ACTOR, '{"title":' .. title .. ',"priority":"' .. priority .. '"}')
return finish(show_thread(thread, opening))
`,
  "board/prunable": `local BEFORE, AFTER, LIMIT, COUNTING = now - ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[11] == '1'
local messages_left, bytes_left = tonumber(ARGV[9]), tonumber(ARGV[10])
local RECIPIENTS_WEIGHT = 4
local function next_numbers()
  local numbers = {}
  for status in string.gmatch(ARGV[5], '[^,]+') do
    local prefix = '\\0' .. status .. '\\0'
    local start = '(' .. prefix .. number_of(AFTER)
    for _, member in ipairs(call('ZRANGEBYLEX', BOARD_LISTS, start, '(' .. prefix .. ':', 'LIMIT', 0, LIMIT)) do
      numbers[#numbers + 1] = string.sub(member, #prefix + 1)
    end
  end
  table.sort(numbers)
  for i = #numbers, LIMIT + 1, -1 do numbers[i] = nil end
  return numbers
end
local function give(shown, number)
  if messages_left <= 0 or bytes_left <= 0 then return false end
  local record = call('HGET', MESSAGES, number)
  local message = parse_message(number, record)
  shown[#shown + 1] = '["' .. number .. '",' .. message.text .. ']'
  messages_left = messages_left - 1
  bytes_left = bytes_left - #record - #message.recipients * RECIPIENTS_WEIGHT
  return true
end
local function messages_of(thread)
  local shown, first = {}, thread.number .. 'm'
  local members = call('ZRANGEBYLEX', THREAD_PARTS, '[' .. first, '(' .. thread.number .. 'n', 'LIMIT', 0, messages_left)
  local whole = true
  for _, member in ipairs(members) do
    whole = whole and give(shown, string.sub(member, #first + 1, #first + 12))
  end
  whole = whole and give(shown, thread.number)
  return shown, whole
end
local begun = not COUNTING and call('ZRANGE', BOARD_REMOVING, 0, 0)[1]
local numbers = begun and { begun } or next_numbers()
local count, threads, next_after = 0, {}, (begun or #numbers == LIMIT) and numbers[#numbers] or nil
for _, number in ipairs(numbers) do
  local thread = thread_at(number)
  if not begun and tonumber(thread.created) >= BEFORE then
    next_after = nil
    break
  end
  if begun or tonumber(thread.updated) < BEFORE then
    count = count + 1
    if not COUNTING then
      local shown, whole = messages_of(thread)
      if #shown > 0 then
        threads[#threads + 1] = table.concat({
          '{"number":"',
          number,
          '","updated":"',
          thread.updated,
          '","title":',
          thread.title,
          ',"whole":',
          tostring(whole),
          ',"messages":[',
          table.concat(shown, ','),
          ']}',
        })
      end
      if not whole then
        next_after = number - 1
        break
      end
    end
  end
end
if begun then next_after = AFTER end
local next_field = next_after and ',"next":' .. int(tonumber(next_after)) or ''
return finish('{"count":' .. count .. ',"threads":[' .. table.concat(threads, ',') .. ']' .. next_field .. '}')
`,
  "board/prune": `local AT_ONCE, MEMBERS_AT_ONCE = 2000, 500
local function in_portions(command, key, arguments)
  for first = 1, #arguments, AT_ONCE do
    call(command, key, unpack(arguments, first, math.min(first + AT_ONCE - 1, #arguments)))
  end
end
local function remove_words(thread, words)
  local members = {}
  for word in string.gmatch(words, '[^ ]+') do members[#members + 1] = word .. '\\0' .. thread.number end
  in_portions('ZREM', BOARD_WORDS, members)
end
local function remove_message(thread, number)
  local record = call('HGET', MESSAGES, number)
  if not record then return end
  local message = parse_message(number, record)
  local unread = {}
  for name, reason in string.gmatch(message.recipients, '([^ :]+):(%a)') do
    unread[#unread + 1] = name .. '\\0n' .. number .. reason
  end
  in_portions('ZREM', INBOX, unread)
  local opens = number == thread.number
  call('HDEL', BOARD_IDS, 'm' .. message.id)
  local key = 'M' .. message.key
  if not opens and message.key ~= '' and call('HGET', BOARD_IDS, key) == number then call('HDEL', BOARD_IDS, key) end
  if not opens then call('ZREM', THREAD_PARTS, thread.number .. 'm' .. number .. message.author) end
  call('HDEL', MESSAGES, number)
end
local function remove_members(thread)
  local start, stop = thread.number .. 'r', thread.number .. 't'
  local members = call('ZRANGEBYLEX', THREAD_PARTS, '[' .. start, '(' .. stop, 'LIMIT', 0, MEMBERS_AT_ONCE)
  local marks = {}
  for _, member in ipairs(members) do
    local agent, from = string.match(member, 's(%Z+)%z(%d+)$', #thread.number + 1)
    if agent then marks[#marks + 1] = agent .. '\\0u' .. from .. thread.number end
  end
  in_portions('ZREM', INBOX, marks)
  in_portions('ZREM', THREAD_PARTS, members)
  return #members < MEMBERS_AT_ONCE
end
local function remove_thread(thread)
  remove_message(thread, thread.number)
  call('ZREM', BOARD_REMOVING, thread.number)
  call('HDEL', THREADS, thread.number)
end
local pruned, statuses, again = 0, {}, ''
for i = 6, #ARGV, 5 do
  local number, updated, whole = ARGV[i], ARGV[i + 1], ARGV[i + 2] == '1'
  local record = call('HGET', THREADS, number)
  local thread = record and parse_thread(number, record)
  if thread and thread.updated == updated then
    remove_words(thread, ARGV[i + 4])
    for message in string.gmatch(ARGV[i + 3], '%d+') do
      if message ~= number then remove_message(thread, message) end
    end
    if thread.status ~= REMOVING then
      pruned = pruned + 1
      statuses[thread.status] = (statuses[thread.status] or 0) + 1
      hide(thread)
    end
    if whole and remove_members(thread) then
      remove_thread(thread)
    elseif whole and again == '' then
      again = ',"again":' .. int(tonumber(number))
    end
  end
end
for _, status in ipairs({ 'active', 'waiting', 'resolved' }) do
  if statuses[status] then
    emit('thread.pruned', status, ACTOR, '{"count":' .. statuses[status] .. ',"olderThanMs":' .. ARGV[5] .. '}')
  end
end
return finish('{"pruned":' .. pruned .. again .. '}', true)
`,
  "board/reply": `local thread_id, key, wanted = ARGV[10], ARGV[11], ARGV[12]
local known = call('HGET', BOARD_IDS, 'm' .. ARGV[5]) or key ~= '' and call('HGET', BOARD_IDS, 'M' .. key)
if known then
  local reply = message_at(known)
  local thread = thread_at(reply.thread)
  if thread.status ~= REMOVING then return finish(show(thread, ',"reply":' .. show_reply(reply))) end
end
local thread = find_thread(thread_id)
if not thread then return finish('null') end
local reply = append(thread, key)
if key ~= '' then call('HSET', BOARD_IDS, 'M' .. key, reply.number) end
emit('thread.replied', thread_id, ACTOR, '{"messageId":"' .. reply.id .. '"}')
local status = wanted
if status == '' then status = thread.status == 'resolved' and 'active' or thread.status end
if status == 'resolved' and thread.status ~= status then emit('thread.resolved', thread_id, ACTOR) end
thread.replies = int(thread.replies + 1)
update(thread, status)
return finish(show(thread, ',"reply":' .. show_reply(reply)))
`,
  "board/resolve": `local thread = find_thread(ARGV[5])
if not thread then return finish('null') end
local done = thread.status == 'resolved' or is_retry and #replay() > 0
if not done then
  update(thread, 'resolved')
  emit('thread.resolved', thread.id, ACTOR)
end
return finish(show(thread))
`,
  "board/search": `local lists = {}
for i, word in ipairs({ unpack(ARGV, 8) }) do lists[i] = word .. '\\0' end
return page(BOARD_WORDS, { lists })
`,
  "board/show": `local SHOWN_AT_ONCE = 250
local SHOWN_AT_A_TIME = 4
local SHOWN_BYTES = 524288
local before, limit = ARGV[6], tonumber(ARGV[7])
local most = math.min(limit, SHOWN_AT_ONCE)
local thread = find_thread(ARGV[5])
if not thread then return 'null' end
local replies = thread.number .. 'm'
local last = '(' .. thread.number .. 'n'
if before ~= '' then
  local number = call('HGET', BOARD_IDS, before)
  if not number or message_at(number).thread ~= thread.number then return '"unknown_reply"' end
  last = '(' .. replies .. number
end
local numbers = {}
for i, member in ipairs(call('ZREVRANGEBYLEX', THREAD_PARTS, last, '[' .. replies, 'LIMIT', 0, most)) do
  numbers[i] = string.sub(member, #replies + 1, #replies + 12)
end
local shown, left = show_until(numbers, SHOWN_AT_A_TIME, SHOWN_BYTES, function(chunk)
  local texts = call('HMGET', MESSAGES, unpack(chunk))
  for i, record in ipairs(texts) do texts[i] = show_reply(parse_message(chunk[i], record)) end
  return texts
end)
local oldest = left and left - 1 or most < limit and #numbers == most and most
local next_before = oldest and ',"next":"' .. message_at(numbers[oldest]).id .. '"' or ''
local oldest_first = {}
for i = #shown, 1, -1 do oldest_first[#oldest_first + 1] = shown[i] end
return show(thread, ',"replies":[' .. table.concat(oldest_first, ',') .. ']' .. next_before)
`,
  "board/take": `local at, conflicts = 5, {}
local function argument()
  at = at + 1
  return ARGV[at - 1]
end
local function conflict(id, kind, more)
  conflicts[#conflicts + 1] = cjson.encode({ id, kind, more or '' })
end
local function owner_of(kind, key)
  local owner = call('HGET', BOARD_IDS, kind .. key)
  if owner and kind == 'M' and thread_at(message_at(owner).thread).status == REMOVING then return nil end
  return owner or nil
end
local function take_key(kind, key, number, id, before)
  if before ~= '' and before ~= key and call('HGET', BOARD_IDS, kind .. before) == number then
    call('HDEL', BOARD_IDS, kind .. before)
  end
  if key == '' then return '' end
  local owner = owner_of(kind, key)
  if owner and owner ~= number then
    conflict(id, 'key', kind == 'T' and thread_at(owner).id or message_at(owner).id)
    return ''
  end
  call('HSET', BOARD_IDS, kind .. key, number)
  return key
end
local function mark_of(thread, agent)
  local first = thread.number .. 's' .. agent .. '\\0'
  local member = call('ZRANGEBYLEX', THREAD_PARTS, '[' .. first, '(' .. thread.number .. 's' .. agent .. '\\1', 'LIMIT', 0, 1)[1]
  if member then return string.sub(member, #first + 1) end
  return call('ZSCORE', THREAD_PARTS, thread.number .. 'r' .. agent) and '' or nil
end
local function hand_out(number, recipients, unread)
  local waiting = {}
  for name in string.gmatch(unread, '([^ :]+):') do waiting[name] = true end
  for name, reason in string.gmatch(recipients, '([^ :]+):(%a)') do
    local member = name .. '\\0n' .. number .. reason
    if not waiting[name] then
      call('ZREM', INBOX, member)
    elseif call('ZADD', INBOX, 0, member) == 1 then
      notify('inbox:' .. name)
    end
  end
end
local function take_message(thread)
  local opens = argument() == '1'
  local id, key, author, written, text = argument(), argument(), argument(), argument(), argument()
  local to, recipients, unread, words = argument(), argument(), argument(), argument()
  local number = call('HGET', BOARD_IDS, 'm' .. id)
  local known = number and message_at(number)
  if known and known.thread ~= thread.number then return conflict(id, 'elsewhere') end
  if not opens and not thread.number then return conflict(id, 'lost') end
  if not known then
    messages = messages + 1
    number = number_of(messages)
  end
  thread.number = thread.number or number
  key = take_key(opens and 'T' or 'M', key, number, opens and thread.id or id, known and known.key or '')
  call('HSET', MESSAGES, number, table.concat({ id, thread.number, author, written, to, key, recipients, text }, '\\0'))
  call('HSET', BOARD_IDS, 'm' .. id, number)
  hand_out(number, recipients, unread)
  if known then return end
  index_words(thread, words)
  ACTOR = author
  if not opens then
    call('ZADD', THREAD_PARTS, 0, thread.number .. 'm' .. number .. author)
    mark_members(thread, number)
  end
  if not mark_of(thread, author) then call('ZADD', THREAD_PARTS, 0, thread.number .. 'r' .. author) end
end
local function take_member(thread, has_others)
  local agent, from = argument(), argument()
  local unread = from ~= '' and call('HGET', BOARD_IDS, 'm' .. from) or ''
  local before = mark_of(thread, agent)
  if before == unread then return end
  if has_others and before and before ~= '' and (unread == '' or before < unread) then return end
  if before and before ~= '' then
    call('ZREM', THREAD_PARTS, thread.number .. 's' .. agent .. '\\0' .. before)
    call('ZREM', INBOX, agent .. '\\0u' .. before .. thread.number)
  elseif before then
    call('ZREM', THREAD_PARTS, thread.number .. 'r' .. agent)
  end
  if unread == '' then
    call('ZADD', THREAD_PARTS, 0, thread.number .. 'r' .. agent)
  else
    call('ZADD', THREAD_PARTS, 0, thread.number .. 's' .. agent .. '\\0' .. unread)
    call('ZADD', INBOX, 0, agent .. '\\0u' .. unread .. thread.number)
    notify('inbox:' .. agent)
  end
end
local function displace(thread)
  call('ZREM', BOARD_LISTS, unpack(places_of(thread)))
  if thread.priority == 'high' then call('ZREM', BOARD_LISTS, urgent_place(thread)) end
end
local function take_thread()
  local id, title, author, priority = argument(), argument(), argument(), argument()
  local tags, status, created, updated, told = argument(), argument(), argument(), argument(), tonumber(argument())
  local thread = find_thread(id)
  local is_new = not thread
  if thread then displace(thread) end
  thread = thread or { id = id }
  thread.title, thread.author, thread.priority, thread.tags = title, author, priority, tags
  thread.status, thread.created, thread.updated = status, created, updated
  for _ = 1, tonumber(argument()) do take_message(thread) end
  local first = (thread.number or '') .. 'm'
  local replies = thread.number and call('ZLEXCOUNT', THREAD_PARTS, '[' .. first, '(' .. thread.number .. 'n') or 0
  for _ = 1, tonumber(argument()) do
    if thread.number then
      take_member(thread, replies > told)
    else
      at = at + 2
    end
  end
  if not thread.number then return end
  thread.replies = int(replies)
  save_thread(thread)
  file(thread)
  call('HSET', BOARD_IDS, 't' .. id, thread.number)
  if priority ~= 'high' then return end
  call('ZADD', BOARD_LISTS, 0, urgent_place(thread))
  if is_new then wake_everybody() end
end
local function take_reader()
  local before, read = nil, {}
  ACTOR, before = argument(), tonumber(argument())
  local count = tonumber(argument())
  for _ = 1, count do read[argument()] = true end
  if not registered_at(ACTOR) and call('HEXISTS', INBOX_CURSORS, ACTOR) == 0 then
    return save_cursor({ number = number_of(0), at = int(before), given = '' })
  end
  local cursor = find_cursor()
  for _, number in ipairs(unread_urgent(cursor, count + 1)) do
    local thread = thread_at(number)
    if not read[thread.id] then
      before = math.min(before, tonumber(thread.created))
      break
    end
  end
  if before <= tonumber(cursor.at) then return end
  cursor.at = int(before)
  save_cursor(cursor)
end
local function take_away()
  local thread = find_thread(argument())
  if thread then hide(thread) end
end
local TAKES = { moved = take_thread, removed = take_away, reader = take_reader }
while at <= #ARGV do TAKES[argument()]() end
dirty = true
return finish(keep_conflicts('board', conflicts))
`,
  "board/thread": `local REMOVING = 'removing'
local THREAD_FIELDS = '^' .. string.rep('(%Z*)%z', 8) .. '(%Z*)(.*)$'
local MESSAGE_FIELDS = '^' .. string.rep('(%Z*)%z', 7) .. '(%Z*)'
local function number_of(value)
  return string.format('%012.0f', value)
end
local function parse_thread(number, record)
  local thread = { number = number }
  thread.id, thread.status, thread.replies, thread.updated, thread.priority, thread.author, thread.created,
    thread.tags, thread.title, thread.added = string.match(record, THREAD_FIELDS)
  return thread
end
local function thread_at(number)
  return parse_thread(number, call('HGET', THREADS, number))
end
local function find_thread(id)
  local number = call('HGET', BOARD_IDS, 't' .. id)
  return number and thread_at(number)
end
local function save_thread(thread)
  call('HSET', THREADS, thread.number, table.concat({
    thread.id,
    thread.status,
    thread.replies,
    thread.updated,
    thread.priority,
    thread.author,
    thread.created,
    thread.tags,
    thread.title,
  }, '\\0') .. (thread.added or ''))
end
local function parse_message(number, record)
  local message = { number = number }
  message.id, message.thread, message.author, message.at, message.to, message.key, message.recipients, message.text =
    string.match(record, MESSAGE_FIELDS)
  return message
end
local function message_at(number)
  return parse_message(number, call('HGET', MESSAGES, number))
end
local function show_thread(thread, opening, more)
  return table.concat({
    '{"id":"',
    thread.id,
    '","title":',
    thread.title,
    ',"message":',
    opening.text,
    ',"author":"',
    thread.author,
    '","priority":"',
    thread.priority,
    '","tags":',
    thread.tags,
    ',"to":',
    opening.to,
    ',"status":"',
    thread.status,
    '","replyCount":',
    thread.replies,
    ',"createdAtMs":',
    thread.created,
    ',"updatedAtMs":',
    thread.updated,
    more or '',
    '}',
  })
end
local function show(thread, more)
  return show_thread(thread, message_at(thread.number), more)
end
local function show_reply(message)
  return table.concat({
    '{"id":"',
    message.id,
    '","author":"',
    message.author,
    '","message":',
    message.text,
    message.to ~= '[]' and ',"to":' .. message.to or '',
    ',"atMs":',
    message.at,
    '}',
  })
end
`,
  "board/unread": `local GIVEN_KEPT = 4
local CHUNK = 64
local NAMED_AT_ONCE, MARKS_AT_ONCE = 4000, 250
local LAST = string.rep('9', 12)
local function save_cursor(cursor)
  call('HSET', INBOX_CURSORS, ACTOR, cursor.number .. ' ' .. cursor.at .. cursor.given)
end
local function find_cursor()
  local cursor = {}
  local kept = call('HGET', INBOX_CURSORS, ACTOR)
  if kept then
    cursor.number, cursor.at, cursor.given = string.match(kept, '^(%d+) (%d+)(.*)$')
    return cursor
  end
  cursor.number, cursor.given = number_of(0), ''
  cursor.at = int(registered_at(ACTOR) or now)
  save_cursor(cursor)
  return cursor
end
local function replayed_messages()
  if not is_retry then return end
  for op, given in string.gmatch(find_cursor().given, ' ([^ =]+)=([^ ]*)') do
    if op == OP then return given end
  end
end
local function remember(cursor, given)
  local kept, count = ' ' .. OP .. '=' .. given, 1
  for older in string.gmatch(cursor.given, ' [^ ]+') do
    if count == GIVEN_KEPT then break end
    kept, count = kept .. older, count + 1
  end
  cursor.given = kept
end
local function replies_of_others(thread, from, to, most)
  local found, first = {}, thread .. 'm'
  local start, stop = '[' .. first .. from, '(' .. first .. to .. '\\255'
  repeat
    local members = call('ZRANGEBYLEX', THREAD_PARTS, start, stop, 'LIMIT', 0, CHUNK)
    for _, member in ipairs(members) do
      if string.sub(member, #first + 13) ~= ACTOR then
        found[#found + 1] = string.sub(member, #first + 1, #first + 12)
        if #found == most then return found end
      end
    end
    if #members > 0 then start = '(' .. members[#members] end
  until #members < CHUNK
  return found
end
local function unread_replies(most)
  local first = ACTOR .. '\\0u'
  local found, stop = {}, LAST
  local members = call('ZRANGEBYLEX', INBOX, '[' .. first, '(' .. ACTOR .. '\\0v', 'LIMIT', 0, most)
  for _, member in ipairs(members) do
    local from, thread = string.sub(member, #first + 1, #first + 12), string.sub(member, #first + 13)
    if from > stop then break end
    for _, number in ipairs(replies_of_others(thread, from, stop, most)) do found[#found + 1] = number end
    if #found >= most * 2 then
      table.sort(found)
      for i = #found, most + 1, -1 do found[i] = nil end
      stop = found[most]
    end
  end
  return found
end
local function unread_urgent(cursor, most)
  local found = {}
  local start = '[h\\0' .. string.format('%014.0f', cursor.at) .. number_of(cursor.number + 1)
  repeat
    local members = call('ZRANGEBYLEX', BOARD_LISTS, start, '(h\\1', 'LIMIT', 0, CHUNK)
    for _, member in ipairs(members) do
      local number, author = string.sub(member, 17, 28), string.sub(member, 29)
      if author ~= ACTOR then
        found[#found + 1] = number
        if #found == most then return found end
      end
    end
    if #members > 0 then start = '(' .. members[#members] end
    if #found == 0 and #members == CHUNK then
      cursor.at = int(tonumber(string.sub(members[CHUNK], 3, 16)))
      save_cursor(cursor)
    end
  until #members < CHUNK
  return found
end
local function unread(cursor, most)
  local reasons, numbers = {}, {}
  local function add(number, reason)
    if not reasons[number] then numbers[#numbers + 1] = number end
    reasons[number] = reasons[number] or reason
  end
  local first = ACTOR .. '\\0n'
  local named = call('ZRANGEBYLEX', INBOX, '[' .. first, '(' .. ACTOR .. '\\0o', 'LIMIT', 0, most)
  for _, member in ipairs(named) do
    add(string.sub(member, #first + 1, #first + 12), string.sub(member, #first + 13))
  end
  for _, number in ipairs(unread_replies(most)) do add(number, 'r') end
  for _, number in ipairs(unread_urgent(cursor, most)) do add(number, 'h') end
  table.sort(numbers)
  for i = #numbers, most + 1, -1 do numbers[i] = nil end
  return numbers, reasons
end
local function remove_named(number)
  local first = ACTOR .. '\\0n'
  local start, stop = '[' .. first, '(' .. first .. number_of(number + 1)
  local last = call('ZRANGEBYLEX', INBOX, start, stop, 'LIMIT', NAMED_AT_ONCE - 1, 1)[1]
  call('ZREMRANGEBYLEX', INBOX, start, last and '[' .. last or stop)
  return last ~= nil
end
local function move_marks(number)
  local first = ACTOR .. '\\0u'
  local stop = '(' .. first .. number_of(number + 1)
  local members = call('ZRANGEBYLEX', INBOX, '[' .. first, stop, 'LIMIT', 0, MARKS_AT_ONCE)
  for _, member in ipairs(members) do
    local from, thread = string.sub(member, #first + 1, #first + 12), string.sub(member, #first + 13)
    local following = replies_of_others(thread, number_of(number + 1), LAST, 1)[1]
    call('ZREM', INBOX, member)
    call('ZREM', THREAD_PARTS, thread .. 's' .. ACTOR .. '\\0' .. from)
    if following then
      call('ZADD', INBOX, 0, first .. following .. thread)
      call('ZADD', THREAD_PARTS, 0, thread .. 's' .. ACTOR .. '\\0' .. following)
    else
      call('ZADD', THREAD_PARTS, 0, thread .. 'r' .. ACTOR)
    end
  end
  return #members == MARKS_AT_ONCE
end
local function tidy(cursor)
  local named_left = remove_named(cursor.number)
  return move_marks(cursor.number) or named_left
end
local function acknowledge(cursor, number)
  if number <= cursor.number then return end
  cursor.number = number
  tidy(cursor)
  local record = call('HGET', MESSAGES, number)
  cursor.at = int(math.max(record and parse_message(number, record).at or now, cursor.at))
end
`,
  "engine/batch": `local given, answers, at = ARGV, {}, 3
while at <= #given do
  local last = at + given[at]
  ARGV = { unpack(given, at + 1, last) }
  answers[#answers + 1] = operation() or false
  at = last + 1
end
save_state()
return answers
`,
  "engine/begin": `OP, ACTOR = ARGV[1], ARGV[3]
emitted, emitted_count = {}, 0
if is_retry then
  local _, answer = replay()
  if answer then return finish(answer) end
end
if ACTOR ~= '' and (string.sub(ARGV[4], 1, 1) == '1' or
  now - departed_at < DEPARTURE_MS and not call('ZSCORE', SEEN, ACTOR)) then
  local host, pid = string.match(ARGV[4], '^.(.*)\\n(%d*)$')
  touch(ACTOR, host, pid)
end
`,
  "engine/conflicts": `local CONFLICTS_KEPT = 1000
local function keep_conflicts(room, found)
  for _, text in ipairs(found) do
    local count = call('ZCARD', CONFLICTS)
    if count < CONFLICTS_KEPT then call('ZADD', CONFLICTS, 'NX', count + 1, room .. ' ' .. text) end
  end
  return '[' .. table.concat(found, ',') .. ']'
end
`,
  "engine/conflicts_kept": `return finish(call('ZRANGE', CONFLICTS, 0, -1))
`,
  "engine/held": `local HELD_BYTES = 2097152
local function held_portion(name, from, count, bytes_of)
  local first = from == '' and '[' .. name .. '\\0' or '(' .. name .. '\\0' .. from
  local members = call('ZRANGEBYLEX', HELD, first, '(' .. name .. '\\1', 'LIMIT', 0, count)
  local leases, tasks = {}, {}
  for _, member in ipairs(members) do
    local some = string.sub(member, #name + 2, #name + 2) == 'l' and leases or tasks
    some[#some + 1] = string.sub(member, #name + 3)
  end
  local bytes = 0
  for i = 1, bytes_of and #tasks - 1 or 0 do
    local id = tasks[i]
    bytes = bytes + bytes_of(id)
    if bytes > HELD_BYTES then return leases, { unpack(tasks, 1, i) }, 't' .. id end
  end
  return leases, tasks, #members == tonumber(count) and string.sub(members[#members], #name + 2) or ''
end
local function instants(set, members)
  if #members == 0 then return {} end
  local all = call('ZMSCORE', set, unpack(members))
  for i, due in ipairs(all) do all[i] = tonumber(due or 0) end
  return all
end
local function live_in_set(set, members)
  local live = {}
  for first = 1, #members, 1000 do
    local some = { unpack(members, first, math.min(first + 999, #members)) }
    for i, due in ipairs(instants(set, some)) do
      if due > now then live[#live + 1] = some[i] end
    end
  end
  return live
end
local function renew_in_set(set, members, lengths)
  local later = {}
  for i, due in ipairs(instants(set, members)) do
    local longer = due > now and lengths[i] and now + lengths[i] or 0
    if longer > due then later[#later + 1], later[#later + 2] = int(longer), members[i] end
  end
  if later[1] then call('ZADD', set, unpack(later)) end
end
local function add_lapsing(lapsing, kind, set, members, lengths, subject_of)
  for i, due in ipairs(instants(set, members)) do
    if due > now and lengths[i] and (due - now) * 3 < lengths[i] then
      lapsing[#lapsing + 1] = { kind = kind, subject = subject_of(members[i]), lapsesInMs = due - now }
    end
  end
end
local FEW = 100
local lapsed_in = {}
local function count_in_set(name, kind, set)
  local prefix, from, to = name .. '\\0' .. kind, '[' .. name .. '\\0' .. kind, '(' .. name .. '\\0' .. kind .. '\\255'
  local held = call('ZLEXCOUNT', HELD, from, to)
  if held == 0 then return 0 end
  local lapsed = lapsed_in[set] or call('ZRANGEBYSCORE', set, '-inf', int(now), 'LIMIT', 0, FEW)
  lapsed_in[set] = lapsed
  if #lapsed == 0 then return held end
  local members = {}
  if #lapsed < FEW then
    for i, member in ipairs(lapsed) do members[i] = prefix .. member end
    for _, score in ipairs(call('ZMSCORE', HELD, unpack(members))) do
      if score then held = held - 1 end
    end
    return held
  end
  for i, member in ipairs(call('ZRANGEBYLEX', HELD, from, to)) do members[i] = string.sub(member, #prefix + 1) end
  return #live_in_set(set, members)
end
`,
  "engine/inspect": `local state, nothing, listeners, channel, SCHEMA = KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2]
local function int(number)
  return string.format('%.0f', number)
end
local version, history, instant, wall = '', '', 0, 0
local raw = redis.call('GET', state)
if raw then
  version = #raw >= 8 and tostring((struct.unpack('>d', raw))) or '0'
  if version == SCHEMA and #raw >= 208 then
    history, instant, wall = string.sub(raw, 49, 88), struct.unpack('>d', raw, 89), struct.unpack('>d', raw, 193)
    if history == string.rep('0', 40) then history = '' end
  end
end
local time = redis.call('TIME')
local info = redis.pcall('INFO')
local restored = redis.pcall('HGET', listeners, ' restored')
local reply = { version, history, int(instant), int(wall), int(time[1] * 1000 + time[2] / 1000),
  type(info) == 'string' and info or '', type(restored) == 'string' and restored or '' }
local function try(command, ...)
  local answer = redis.pcall(command, ...)
  if type(answer) ~= 'table' or not answer.err then return end
  if string.find(answer.err, 'NOPERM', 1, true) or string.find(answer.err, "can't run", 1, true) or
    string.find(answer.err, 'ACL failure.* to run the ') then
    reply[#reply + 1] = command
  end
end
try('DEL', nothing)
try('EXISTS', nothing)
try('GET', nothing)
try('HDEL', nothing, 'f')
try('HEXISTS', nothing, 'f')
try('HGET', nothing, 'f')
try('HGETALL', nothing)
try('HLEN', nothing)
try('HMGET', nothing, 'f')
try('HSCAN', nothing, 0)
try('HSTRLEN', nothing, 'f')
try('INFO', 'replication')
try('PEXPIRE', nothing, 1)
try('PUBLISH', channel, '')
try('SET', nothing, '', 'XX')
try('TIME')
try('XADD', nothing, 'NOMKSTREAM', '*', 'f', '')
try('XDEL', nothing, '0-1')
try('XINFO', 'STREAM', nothing)
try('XLEN', nothing)
try('XRANGE', nothing, '-', '+', 'COUNT', 1)
try('XREVRANGE', nothing, '+', '-', 'COUNT', 1)
try('XSETID', nothing, '0-1')
try('ZADD', nothing, 'XX', 0, 'm')
try('ZCARD', nothing)
try('ZCOUNT', nothing, 0, 0)
try('ZLEXCOUNT', nothing, '-', '+')
try('ZMSCORE', nothing, 'm')
try('ZRANGE', nothing, 0, 0)
try('ZRANGEBYLEX', nothing, '-', '+')
try('ZRANGEBYSCORE', nothing, 0, 0)
try('ZREM', nothing, 'm')
try('ZREMRANGEBYLEX', nothing, '-', '+')
try('ZREMRANGEBYSCORE', nothing, 0, 0)
try('ZREVRANGE', nothing, 0, 0)
try('ZREVRANGEBYLEX', nothing, '+', '-')
try('ZSCORE', nothing, 'm')
if raw then
  try('HINCRBY', state, 'f', 1)
  try('HSET', state, 'f', '')
  try('HSETNX', state, 'f', '')
end
return reply
`,
  "engine/migrate": `local call = redis.call
local FROM, RECORDS, BYTES = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local function migrate(change, renew)
  local raw = call('GET', STATE)
  if not raw then return tostring(FROM + 1) end
  local version, place, before = struct.unpack('>d', raw), 0, string.sub(raw, 9)
  if version == FROM + 0.5 then
    place, before = struct.unpack('>d', raw, 9), string.sub(raw, 25)
  elseif version ~= FROM then
    return tostring(version)
  end
  local after = change(place)
  if after then
    call('SET', STATE, struct.pack('>ddd', FROM + 0.5, after, FROM) .. before)
    return tostring(FROM + 0.5)
  end
  call('SET', STATE, struct.pack('>d', FROM + 1) .. renew(before))
  return tostring(FROM + 1)
end
`,
  "engine/operation": `local OP, ACTOR = '', ''
local ENTRY_EVENTS = 8
local LISTENER_MS = 60000
local emitted, emitted_count = {}, 0
local function list(items)
  if #items == 0 then return '[]' end
  return cjson.encode(items)
end
local function listen(topic, waker)
  local listening = waker .. '@' .. int(now)
  for other, seen in string.gmatch(call('HGET', LISTENERS, topic) or '', '(%S+)@(%d+)') do
    if other ~= waker and now - tonumber(seen) < LISTENER_MS then
      listening = listening .. ' ' .. other .. '@' .. seen
    end
  end
  call('HSET', LISTENERS, topic, listening)
  if topic == 'events' and followers == 0 then followers, dirty = 1, true end
end
local function notify(topic)
  local heard = call('HGET', LISTENERS, topic)
  if not heard then return end
  call('HDEL', LISTENERS, topic)
  for waker in string.gmatch(heard, '(%S+)@%d+') do wake(waker) end
end
local function emit(type, subject, agent, data)
  last_event = last_event + 1
  emitted_count = emitted_count + 1
  emitted[emitted_count * 2 - 1] = type
  emitted[emitted_count * 2] = event_text(subject, agent, data)
end
local function publish(reply)
  if gap_event then emit_gap() end
  for first = 1, emitted_count, ENTRY_EVENTS do
    local last = math.min(first + ENTRY_EVENTS - 1, emitted_count)
    local entry = { unpack(emitted, first * 2 - 1, last * 2) }
    local owners = OP ~= '' and OP .. '=' .. last - first + 1 or ''
    add_entry(entry, last_event - emitted_count + last, owners, last == emitted_count and reply)
  end
  if followers == 1 then
    followers = 0
    notify('events')
  end
end
local function finish(reply, keep)
  if emitted_count > 0 or gap_event then publish(keep and reply) end
  if not BATCHED then save_state() end
  return reply
end
if refused then
  if gap_event then publish() end
  save_state()
  return redis.error_reply('MEMORY ' .. int(memory) .. (gap_cause == 'emptied' and ' emptied' or ''))
end
local replay
if is_retry then
  local CALLED = ARGV
  local LOOK_BACK, LOOK, INDEX_MS = 50000, 250, 10000
  local function operations_called()
    local names, at = {}, BATCHED and 3 or 0
    while at < #CALLED do
      names[CALLED[at + 1]] = { done = {} }
      at = at + (BATCHED and CALLED[at] or #CALLED) + 1
    end
    return names
  end
  local function find_entries(names)
    local index, found, looked = KEYS[#KEYS], {}, 0
    if call('HLEN', index) > 2 * LOOK_BACK then call('DEL', index) end
    local indexing = type(redis.pcall('HSET', index, ' at', int(now))) == 'number'
    local function note(entries)
      local mine, owned = false, {}
      for _, entry in ipairs(entries) do
        mine = false
        for i = 1, #entry[2], 2 do
          if entry[2][i] == 'o' then
            for op in string.gmatch(entry[2][i + 1], '(%S+)=') do
              if names[op] then found[op], mine = (found[op] or '') .. entry[1] .. ' ', true end
              owned[op] = (owned[op] or '') .. entry[1] .. ' '
            end
          end
        end
      end
      for op, ids in pairs(indexing and owned or {}) do
        if call('HSETNX', index, op, ids) == 0 then call('HSET', index, op, call('HGET', index, op) .. ids) end
      end
      looked = looked + #entries
      return mine
    end
    local oldest, newest = unpack(call('HMGET', index, ' from', ' to'))
    local top, to = nil, '+'
    while newest do
      local entries = call('XREVRANGE', EVENTS, to, '(' .. newest, 'COUNT', LOOK)
      if #entries == 0 then break end
      top = top or entries[1][1]
      note(entries)
      to = '(' .. entries[#entries][1]
    end
    for op in pairs(names) do
      local ids = newest and not found[op] and call('HGET', index, op)
      if ids then found[op] = ids end
    end
    to = oldest and '(' .. oldest or '+'
    while not next(found) and looked < LOOK_BACK and tonumber(string.match(to, '%d+') or HUGE) >= since do
      local entries = call('XREVRANGE', EVENTS, to, '-', 'COUNT', LOOK)
      if #entries == 0 then break end
      top, oldest = top or entries[1][1], entries[#entries][1]
      local goes_on = note(entries)
      to = '(' .. oldest
      while goes_on do
        entries = call('XREVRANGE', EVENTS, to, '-', 'COUNT', LOOK)
        if #entries == 0 then break end
        oldest, goes_on = entries[#entries][1], note(entries)
        to = '(' .. oldest
      end
    end
    if oldest and indexing then
      call('HSET', index, ' from', oldest, ' to', top or newest)
      call('PEXPIRE', index, INDEX_MS)
    end
    return found
  end
  local earlier
  replay = function()
    if earlier then return earlier[OP].done, earlier[OP].answer end
    earlier = operations_called()
    for op, ids in pairs(find_entries(earlier)) do
      local mine = earlier[op]
      for id in string.gmatch(ids, '%S+') do
        for _, entry in ipairs(call('XRANGE', EVENTS, id, id)) do
          local items, owners, kept = {}, '', nil
          for i = 1, #entry[2], 2 do
            local field, value = entry[2][i], entry[2][i + 1]
            if field == 'o' then
              owners = value
            elseif field == 'r' then
              kept = value
            else
              items[#items + 1] = { field, value }
            end
          end
          local before = 0
          for owner, count in string.gmatch(owners, '(%S+)=(%d+)') do
            for i = before + 1, owner == op and before + count or before do
              local data, subject = string.match(items[i][2], '^%Z*%z(%Z*)%z(.*)$')
              mine.done[#mine.done + 1] = { items[i][1], subject, data }
              mine.answer = mine.answer or kept
            end
            before = before + count
          end
        end
      end
    end
    return earlier[OP].done, earlier[OP].answer
  end
end
`,
  "engine/raise": `now, last_fence, last_event = math.max(now, ARGV[5]), math.max(last_fence, ARGV[6]), math.max(last_event, ARGV[7])
if ARGV[8] == '1' then call('DEL', CONFLICTS) end
memory, dirty, CLOCK = next_memory(memory), true, now
return finish(int(memory) .. (gap_cause == 'emptied' and ' emptied' or ''))
`,
  "engine/shown": `local function show_until(keys, size, most_bytes, texts_of, most)
  local shown, bytes, first = {}, 0, 1
  while first <= #keys and bytes <= most_bytes and first <= (most or #keys) do
    for _, text in ipairs(texts_of({ unpack(keys, first, math.min(first + size - 1, #keys)) })) do
      shown[#shown + 1], bytes = text, bytes + #text
    end
    first = first + size
  end
  return shown, first <= #keys and first or nil
end
`,
  "engine/sites": `for i = 9, #ARGV, 2 do call('ZADD', SITES, 'GT', ARGV[i + 1], ARGV[i]) end
if ARGV[7] ~= '' then call('ZREM', SITES, ARGV[7]) end
call('ZREMRANGEBYSCORE', SITES, '-inf', int(now - ARGV[6]))
if ARGV[5] ~= '' then call('ZADD', SITES, int(now), ARGV[5]) end
local seen, others = call('ZREVRANGE', SITES, 0, ARGV[8], 'WITHSCORES'), {}
for i = 1, #seen, 2 do
  if seen[i] ~= ARGV[5] and #others < tonumber(ARGV[8]) then
    others[#others + 1] = '{"site":' .. cjson.encode(seen[i]) .. ',"lastSeenMs":' .. seen[i + 1] .. '}'
  end
end
return finish('{"others":[' .. table.concat(others, ',') .. '],"nowMs":' .. int(now) .. '}')
`,
  "engine/state": `local SINCE_MS = 1735689600000
local EVENTS_KEPT = 100000
local call = redis.call
local ARGV = ARGV
local WRITES = ARGV[1] ~= ''
local HUGE = math.huge
local DEPARTURE_MS = 10000
local STATE_FORMAT, STATE_BYTES = '>dc40c40ddddddddddddddddd', 224
local UNKNOWN = '0000000000000000000000000000000000000000'
local version, now, last_fence, last_event, followers, departed_at = SCHEMA, 0, 0, 0, 0, 0
local lock_floor, lock_waiters, lock_seq = HUGE, 0, 0
local task_floor, task_waiters, task_links, task_seq, task_held_up, messages = HUGE, 0, 0, 0, 0, 0
local wall, retried_until, run, history = 0, 0, UNKNOWN, UNKNOWN
local memory, refused = 0, false
local added = ''
local dirty = false
local is_retry, since = false, 0
local gap_event, gap_cause
local function next_memory(before)
  local time = call('TIME')
  return math.max(time[1] * 1000000 + time[2], before + 1)
end
do
  local NUMBERS_A_MICRO = 0.065536
  local GAP = 65536
  local QUIET_MS = 5
  local RETRIED_MS = 120000
  local RETRIED, RETRIED_BYTES = ' retried', 65536
  local REPLAY_MARGIN_MS = 2000
  local function server_changed(running)
    local info = redis.pcall('INFO', 'replication')
    local id = type(info) == 'string' and string.match(info, 'master_replid:(' .. string.rep('%x', 40) .. ')') or ''
    local changed = false
    if id ~= '' and id ~= history then history, changed = id, true end
    if running ~= run then run, changed = running, true end
    return changed
  end
  local raw = call('GET', STATE)
  if raw then
    if #raw ~= STATE_BYTES then
      raw, added = raw .. string.rep('\\0', STATE_BYTES - #raw), string.sub(raw, STATE_BYTES + 1)
    end
    version, run, history, now, last_fence, last_event, followers, departed_at, lock_floor, lock_waiters, lock_seq, task_floor,
      task_waiters, task_links, task_seq, messages, wall, retried_until, memory, task_held_up = struct.unpack(STATE_FORMAT, raw)
    if version ~= SCHEMA then return redis.error_reply('SCHEMA ' .. version) end
  end
  local given, first_made, try, running, expected, any = '', '', '', ARGV[2], '', ''
  if running ~= '' and #running ~= 40 then
    given, first_made, try, running, expected, any = string.match(running, '^(%d*)|(%d*)|(%d*)|([^|]*)|?(%d*)(%??)$')
  end
  if running == '' then running = run end
  local micros
  if given ~= '' then
    micros = given * 1000
  else
    local time = call('TIME')
    micros = time[1] * 1000000 + time[2]
  end
  local time = math.floor(micros / 1000)
  local quiet = time < wall or time - wall >= QUIET_MS
  if time > wall then
    now = now + time - wall
  elseif time < wall and WRITES then
    dirty = true
  end
  wall, CLOCK = time, now
  local looks = WRITES or raw and expected ~= ''
  if looks and (quiet or running ~= run) and (server_changed(running) or not raw) then
    local start = math.floor((micros - SINCE_MS * 1000) * NUMBERS_A_MICRO)
    local gap = raw and GAP or 0
    last_fence, last_event = start > last_fence and start or last_fence + gap, start > last_event and start or last_event + gap
    gap_cause = raw and 'server' or tonumber(expected ~= '' and expected or 0) > 0 and 'emptied'
    if gap_cause then last_event, gap_event = last_event + 1, last_event + 1 end
    memory = next_memory(memory)
    dirty = true
  end
  refused = expected ~= '' and any == '' and tonumber(expected) ~= memory
  is_retry = WRITES and try ~= '' and not refused
  if is_retry and tonumber(first_made) > 0 then since = now - (time - first_made) - REPLAY_MARGIN_MS end
  local tries = WRITES and not refused and (is_retry or now < retried_until) and
    now < retried_until and call('HGET', LISTENERS, RETRIED) or ''
  if tries ~= '' then
    local from, mine = 1, is_retry and tonumber(try) or 0
    local name = ' ' .. ARGV[1] .. '='
    while true do
      local _, last = string.find(tries, name, from, true)
      if not last then break end
      if tonumber(string.match(tries, '^%d+', last + 1)) > mine then
        return redis.error_reply('LATE this call has been made again since')
      end
      from = last
    end
  end
  if is_retry then
    if #tries > RETRIED_BYTES then tries = string.match(tries, ' .*', RETRIED_BYTES / 2) end
    redis.pcall('HSET', LISTENERS, RETRIED, tries .. ' ' .. ARGV[1] .. '=' .. try)
    retried_until, dirty = now + RETRIED_MS, true
  end
end
local function int(number)
  return string.format('%.0f', number)
end
local function wake(waker)
  local heard = call('PUBLISH', string.sub(STATE, 1, -6) .. 'wake:' .. waker, '')
  return CLUSTERED or heard > 0
end
local function fence_data(fence, more)
  return '{"fence":' .. fence .. (more and ',' .. more or '') .. '}'
end
local function event_text(subject, agent, data)
  return (agent or '') .. '\\0' .. (data or '') .. '\\0' .. subject
end
local function add_entry(entry, number, owners, reply)
  if owners ~= '' then entry[#entry + 1], entry[#entry + 2] = 'o', owners end
  if reply then entry[#entry + 1], entry[#entry + 2] = 'r', reply end
  call('XADD', EVENTS, 'MAXLEN', '~', EVENTS_KEPT, string.format('%d-%d', now, number), unpack(entry))
  dirty = true
end
local emit_gap = gap_event and function()
  add_entry({ 'store.restored', '\\0{"cause":"' .. gap_cause .. '"}\\0store' }, gap_event, '')
  call('HSET', LISTENERS, ' restored', int(now) .. (gap_cause == 'server' and '' or ' ' .. gap_cause))
  gap_event = nil
end
local function save_state()
  if gap_event then emit_gap() end
  if not dirty then return end
  call('SET', STATE, struct.pack(STATE_FORMAT, version, run, history, now, last_fence, last_event, followers, departed_at,
    lock_floor, lock_waiters, lock_seq, task_floor, task_waiters, task_links, task_seq, messages, wall, retried_until,
    memory, task_held_up) .. added)
end
local FAST_PATH = not gap_event and not refused and not is_retry and followers == 0 and now - departed_at >= DEPARTURE_MS
`,
  "event/end": `local newest = call('XREVRANGE', EVENTS, '+', '-', 'COUNT', 1)[1]
local at, number = string.match(newest and newest[1] or int(now) .. '-0', '^(%d+)-(%d+)$')
return { tonumber(at), tonumber(number) }
`,
  "event/notify_all": `local function notify_all(topics)
  for i, listening in ipairs(call('HMGET', LISTENERS, unpack(topics))) do
    if listening then notify(topics[i]) end
  end
end
`,
  "event/read": `local FROM, CHECKED, LIMIT, TYPE, WAKER = ARGV[5], ARGV[6] == '1', tonumber(ARGV[7]), ARGV[8], ARGV[9]
local CHUNK, FEW = 128, 8
local MOST_LOOKED_AT, MOST_BYTES, CHUNK_BYTES = 512, 524288, 262144
local function count_events(fields)
  local count = #fields / 2
  for i = #fields - 1, 1, -2 do
    if fields[i] ~= 'o' and fields[i] ~= 'r' then break end
    count = count - 1
  end
  return count
end
local function is_moved(fields)
  for i = #fields - 1, #fields - 3, -2 do
    if fields[i] == 'o' then
      return string.sub(fields[i + 1], 1, 5) == 'told ' or string.sub(fields[i + 1], -7) == 'moved=0'
    end
  end
  return false
end
local function extent(entry)
  if not entry then return end
  local at, last = string.match(entry[1], '^(%d+)-(%d+)$')
  last = tonumber(last)
  return tonumber(at), last - count_events(entry[2]) + 1, last
end
local newest_at, _, newest = extent(call('XREVRANGE', EVENTS, '+', '-', 'COUNT', 1)[1])
local function is_full()
  return call('XLEN', EVENTS) >= tonumber(EVENTS_KEPT)
end
local function is_at(at, number)
  local after_at, after_first = extent(call('XRANGE', EVENTS, FROM, '+', 'COUNT', 1)[1])
  if after_at and number >= after_first then return after_at == at end
  local _, _, before = extent(call('XREVRANGE', EVENTS, '(' .. FROM, '-', 'COUNT', 1)[1])
  if not before then return is_full() end
  return before < number
end
local function refuse()
  local oldest_at, oldest = extent(call('XRANGE', EVENTS, '-', '+', 'COUNT', 1)[1])
  local at, number = string.match(FROM, '^(%d+)-(%d+)$')
  at, number = tonumber(at), tonumber(number)
  local kind
  if oldest and number + 1 < oldest and is_full() then
    kind = 'trimmed'
  elseif number > 0 and (not newest or number > last_event or not is_at(at, number)) then
    kind = 'unknown'
  end
  return kind and { kind, oldest_at or '', oldest or '' }
end
if CHECKED then
  local refusal = refuse()
  if refusal then return finish(refusal) end
end
local start, passed = '-', 0
if FROM ~= '' then
  local number = string.match(FROM, '^%d+-(%d+)$')
  if number ~= '0' then start, passed = (number and '(' or '') .. FROM, tonumber(number or 0) end
end
local reply = { 'read', 0, 0, 0 }
local function answer(at, number, more)
  reply[2], reply[3], reply[4] = at, number, more
  return finish(reply)
end
local size, bytes, looked = TYPE == '' and math.min(LIMIT, FEW) or FEW, 0, 0
repeat
  local before = bytes
  local entries = call('XRANGE', EVENTS, start, '+', 'COUNT', size)
  local at, first, last
  for _, entry in ipairs(entries) do
    at, first, last = extent(entry)
    looked = looked + last - first + 1
    local shown_at = is_moved(entry[2]) and -at or at
    for i = 2, #entry[2], 2 do bytes = bytes + #entry[2][i] end
    for number = math.max(first, passed + 1), last do
      local field = (number - first) * 2 + 1
      if TYPE == '' or entry[2][field] == TYPE then
        local count = #reply
        reply[count + 1], reply[count + 2] = shown_at, number
        reply[count + 3], reply[count + 4] = entry[2][field], entry[2][field + 1]
        if count == LIMIT * 4 then return answer(at, number, 0) end
      end
    end
    start = '(' .. entry[1]
  end
  local ended = #entries < size
  if not ended and (looked >= MOST_LOOKED_AT or bytes >= MOST_BYTES) then return answer(at, last, 1) end
  if bytes - before < CHUNK_BYTES / 2 then size = math.min(size * 2, CHUNK) end
  if bytes - before > CHUNK_BYTES then size = FEW end
until ended
if WAKER ~= '' and #reply == 4 then listen('events', WAKER) end
return answer(newest_at or now, newest or 0, 0)
`,
  "event/take": `local LAST, FIELDS, MOST, TOLD, FIRST = ARGV[5] == '1', 4, 500, 'told ' .. ARGV[6], 7
if gap_event then emit_gap() end
local function newest_entry()
  return call('XREVRANGE', EVENTS, '+', '-', 'COUNT', 1)[1]
end
local function place_of(entry)
  local at, number = string.match(entry[1], '^(%d+)-(%d+)$')
  return tonumber(at), tonumber(number)
end
local function go_back(from)
  local newest = newest_entry()
  local id = newest and newest[1] or '0-1'
  if redis.pcall('XSETID', EVENTS, id).err then
    call('XSETID', EVENTS, from, 'ENTRIESADDED', call('XLEN', EVENTS), 'MAXDELETEDID', '0-1')
    call('XSETID', EVENTS, id)
  end
end
local function is_told(fields)
  return fields[#fields - 1] == 'o' and fields[#fields] == TOLD
end
local function is_of_outage(fields)
  return fields[#fields - 1] == 'o' and string.sub(fields[#fields], 1, 5) == 'told '
end
local function is_there(entries, last_number)
  for _, entry in ipairs(entries) do
    if is_told(entry[2]) then
      local _, number = place_of(entry)
      return number >= last_number
    end
  end
  return false
end
local function take_out(entries, first_at, first_number)
  local late = 0
  for _, entry in ipairs(entries) do
    local at, number = place_of(entry)
    local fields = entry[2]
    if is_told(fields) or at <= first_at and number < first_number then break end
    call('ZADD', LATE_EVENTS, int(number), int(number) .. ' ' .. cjson.encode(fields))
    call('XDEL', EVENTS, entry[1])
    late = late + 1
  end
  if late > 0 then
    go_back(entries[1][1])
    call('DEL', REPLAY_INDEX)
  end
  return late < MOST
end
local function call_of(type, value)
  local agent, subject = string.match(value, '^(%Z*)%z%Z*%z(.*)$')
  return type .. '\\0' .. (agent or '') .. '\\0' .. (subject or '')
end
local function without_told(fields, told)
  local kept, stays, tail, count = {}, {}, {}, 0
  for i = 1, #fields, 2 do
    local field, value = fields[i], fields[i + 1]
    if field == 'o' or field == 'r' then
      tail[field] = value
    else
      count = count + 1
      stays[count] = not told[call_of(field, value)]
      if stays[count] then kept[#kept + 1], kept[#kept + 2] = field, value end
    end
  end
  if #kept == 0 then return end
  local owners, before = {}, 0
  for op, size in string.gmatch(tail.o or '', '(%S+)=(%d+)') do
    local left = 0
    for i = before + 1, before + size do left = left + (stays[i] and 1 or 0) end
    before = before + size
    if left > 0 then owners[#owners + 1] = op .. '=' .. left end
  end
  if owners[1] then kept[#kept + 1], kept[#kept + 2] = 'o', table.concat(owners, ' ') end
  if tail.r then kept[#kept + 1], kept[#kept + 2] = 'r', tail.r end
  return kept
end
local function drop_told()
  local told = {}
  for i = FIRST, #ARGV, FIELDS do
    told[call_of(ARGV[i + 2], ARGV[i + 3])] = true
  end
  for _, member in ipairs(call('ZRANGE', LATE_EVENTS, 0, -1)) do
    local number, text = string.match(member, '^(%d+) (.*)$')
    local fields = cjson.decode(text)
    local kept = is_of_outage(fields) and fields or without_told(fields, told)
    if not kept or #kept < #fields then
      call('ZREM', LATE_EVENTS, member)
      if kept then call('ZADD', LATE_EVENTS, number, number .. ' ' .. cjson.encode(kept)) end
    end
  end
end
local function add_told()
  local newest = newest_entry()
  local known = newest and tonumber(string.match(newest[1], '%d+$')) or 0
  local entry, entry_at, entry_number = {}, '', 0
  local function add()
    if #entry == 0 then return end
    entry[#entry + 1], entry[#entry + 2] = 'o', TOLD
    call('XADD', EVENTS, 'MAXLEN', '~', EVENTS_KEPT, entry_at .. '-' .. int(entry_number), unpack(entry))
    now, last_event, dirty = math.max(now, tonumber(entry_at)), math.max(last_event, entry_number), true
    entry = {}
  end
  for i = FIRST, #ARGV, FIELDS do
    local at, number = ARGV[i], tonumber(ARGV[i + 1])
    if number > known then
      if at ~= entry_at or number ~= entry_number + 1 or #entry >= ENTRY_EVENTS * 2 then add() end
      entry[#entry + 1], entry[#entry + 2] = ARGV[i + 2], ARGV[i + 3]
      entry_at, entry_number = at, number
    end
  end
  add()
end
local function mark_moved(fields)
  if is_of_outage(fields) then return end
  for i = 1, #fields, 2 do
    if fields[i] == 'o' then
      if string.sub(fields[i + 1], -7) ~= 'moved=0' then fields[i + 1] = fields[i + 1] .. ' moved=0' end
      return
    end
  end
  fields[#fields + 1], fields[#fields + 2] = 'o', 'moved=0'
end
local function put_back()
  local members = call('ZRANGE', LATE_EVENTS, 0, MOST - 1)
  for _, member in ipairs(members) do
    local fields = cjson.decode(string.match(member, '^%d+ (.*)$'))
    local count = 0
    for i = 1, #fields, 2 do
      if fields[i] ~= 'o' and fields[i] ~= 'r' then count = count + 1 end
    end
    last_event = last_event + count
    mark_moved(fields)
    add_entry(fields, last_event, '')
    call('ZREM', LATE_EVENTS, member)
  end
  return #members < MOST
end
if #ARGV >= FIRST then
  local entries = call('XREVRANGE', EVENTS, '+', '-', 'COUNT', MOST)
  if not is_there(entries, tonumber(ARGV[#ARGV - 2])) then
    if not take_out(entries, tonumber(ARGV[FIRST]), tonumber(ARGV[FIRST + 1])) then return finish(1) end
    if call('EXISTS', LATE_EVENTS) == 1 then drop_told() end
    add_told()
  end
end
local done = not LAST or put_back()
if dirty and followers == 1 then
  followers = 0
  notify('events')
end
return finish(done and 0 or 2)
`,
  "lock/abandon": `local waiter = find_waiter(ARGV[5])
if waiter then
  remove_waiter(waiter)
  call_waiters(waiter.paths)
  wake_waiters()
end
return finish('')
`,
  "lock/acquire": `local ttl, mode, intent, reentrant = tonumber(ARGV[5]), ARGV[6], ARGV[7], ARGV[8] == '1'
local waiter_id, waker = ARGV[9], ARGV[10]
local paths, all_names = {}, {}
for i = 11, #ARGV do
  local names = names_of(ARGV[i])
  paths[#paths + 1] = names
  for _, name in ipairs(names) do all_names[#all_names + 1] = name end
end
local function keeps_out(lease)
  local own = lease.holder == ACTOR
  local renews = own and reentrant and (lease.mode == 'exclusive' or mode == 'shared')
  return not renews and (own or modes_conflict(lease.mode, mode))
end
local function harmless(record)
  if string.find(record, '"of":', 1, true) then return false end
  local all_shared = not string.find(record, '"mode":"exclusive"', 1, true)
  local with_own = string.find(record, '"holder":"' .. ACTOR .. '"', 1, true)
  if not with_own then return mode == 'shared' and all_shared end
  return reentrant and not string.find(record, '},{', 1, true) and (mode == 'shared' or not all_shared)
end
local function blocking_lease()
  for _, names in ipairs(paths) do
    for _, name in ipairs(names) do
      local lease = first_overlapping(name, keeps_out, harmless)
      if lease then return lease, names[1] end
    end
  end
end
local function blocking_waiter(before)
  if lock_waiters == 0 then return end
  for _, names in ipairs(paths) do
    for _, name in ipairs(names) do
      for _, waiter in ipairs(waiters_on({ name })) do
        if waiter.seq < before and has_precedence(waiter) and modes_conflict(waiter.mode, mode) then
          return waiter, names[1]
        end
      end
    end
  end
end
local function grant()
  local leases, fence = {}, nil
  for i, names in ipairs(paths) do
    local lease = reentrant and own_leases(names, '', true)[1]
    if lease then
      if not task_of(lease) then extend(lease, ttl) end
    else
      if not fence then last_fence = last_fence + 1 end
      fence = last_fence
      lease = { path = names[1], holder = ACTOR, fence = fence, mode = mode, intent = intent, ttl = ttl, at = now,
        due = now + ttl, also = names[2] and { unpack(names, 2) } }
      grant_lease(lease)
    end
    leases[i] = lease
  end
  if mode == 'shared' then call_waiters(all_names) end
  return leases
end
local function enqueue(place)
  if place then
    place.seen, place.called, place.waker = now, nil, waker
  else
    lock_seq, lock_waiters = lock_seq + 1, lock_waiters + 1
    place = { seq = lock_seq, id = waiter_id, agent = ACTOR, mode = mode, paths = all_names, waker = waker, seen = now }
    for _, name in ipairs(all_names) do call('ZADD', LOCK_WAIT_QUEUE, 0, place_of(place, name)) end
  end
  save_waiter(place)
end
local function held(blocker, retry_ms)
  return finish('{"kind":"held","blocker":' .. blocker .. ',"nowMs":' .. int(now) .. ',"retryInMs":' .. int(retry_ms) .. '}')
end
local granted = false
for _, item in ipairs(is_retry and replay() or {}) do granted = granted or item[1] == 'lock.acquired' end
if granted then
  local leases = {}
  for _, names in ipairs(paths) do
    for _, lease in ipairs(own_leases(names, '', true)) do leases[#leases + 1] = lease end
  end
  if #leases == #paths then return finish('{"kind":"acquired","leases":' .. show_all(leases) .. '}') end
end
sweep_expired()
wake_waiters()
local place = waiter_id ~= '' and find_waiter(waiter_id) or nil
local lease, asked = blocking_lease()
if lease then
  if waiter_id ~= '' then enqueue(place) end
  return held('{"kind":"lease","lease":' .. shown(lease) .. ',"asked":' .. cjson.encode(asked) .. '}', lease.due - now)
end
local before = place and place.seq or HUGE
local ahead, path = blocking_waiter(before)
if ahead and not ahead.called then
  call_waiters(all_names)
  ahead, path = blocking_waiter(before)
end
if ahead then
  if waiter_id ~= '' then enqueue(place) end
  return held(cjson.encode({ kind = 'waiter', path = path, holder = ahead.agent }), CALL_MS)
end
if place then remove_waiter(place) end
local granted_now = show_all(grant())
wake_waiters()
return finish('{"kind":"acquired","leases":' .. granted_now .. '}')
`,
  "lock/acquire_fast": `if FAST_PATH and not BATCHED and #ARGV == 11 and now < lock_floor and ARGV[11] ~= '' and ARGV[11] ~= '.' and ARGV[11] ~= '/' and
  not string.find(ARGV[11], '\\0', 1, true) and
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
      place = path .. '\\0' .. string.format('%016.0f', string.match(record, '"seq":(%d+)')) .. '\\0' .. waiter
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
    local member = path .. '\\0' .. fence
    call('HSET', LOCKS, path, '[' .. lease_record(fields, ARGV[5], at) .. ']')
    call('ZADD', LOCK_PATHS, '0', path)
    call('ZADD', LOCK_DUE, due_text, member)
    call('ZADD', HELD, '0', actor .. '\\0l' .. member)
    if due < lock_floor then lock_floor = due end
    add_entry({ 'lock.acquired', event_text(path, actor, granted_data(fence, mode)) }, last_event, ARGV[1] .. '=1')
    save_state()
    return '{"kind":"acquired","leases":[' .. lease_shown(path, fields, at, due_text) .. ']}'
  end
end
`,
  "lock/break": `local leases, covering = {}, nil
for _, name in ipairs(names_of(ARGV[5])) do
  if #leases == 0 then leases = live_on(name) end
  covering = covering or live_over(name)[1]
end
for _, lease in ipairs(leases) do
  if task_of(lease) then return finish('{"broken":[],"claimed":' .. shown(lease) .. '}') end
end
if #leases > 0 then covering = nil end
local answer = '{"broken":' .. show_all(leases) .. (covering and ',"covering":' .. shown(covering) or '') .. '}'
if #leases > 0 then append_audit(unpack(ARGV, 7)) end
end_leases(leases, 'lock.broken', ACTOR, ARGV[6])
wake_waiters()
return finish(answer, true)
`,
  "lock/check": `local HOLDER, MODE = ARGV[5], ARGV[6]
local function of_another(lease)
  return lease.holder ~= HOLDER and modes_conflict(lease.mode, MODE)
end
local function of_holder(lease)
  return lease.holder == HOLDER
end
local function may_be_any()
  return false
end
local function first_on(names, matches)
  for _, name in ipairs(names) do
    local lease = first_overlapping(name, matches, may_be_any)
    if lease then return lease end
  end
end
local found = {}
for i = 7, #ARGV do
  local names = names_of(ARGV[i])
  local lease = first_on(names, of_another) or HOLDER ~= '' and first_on(names, of_holder)
  found[i - 6] = lease and shown(lease) or 'null'
end
return '[' .. table.concat(found, ',') .. ']'
`,
  "lock/count": `return call('ZCOUNT', LOCK_DUE, '(' .. int(now), '+inf')
`,
  "lock/end_leases": `local LOCKS_EXPIRED_AT_ONCE = 32
local function end_leases(leases, type, by, more)
  if #leases == 0 then return end
  local paths = {}
  for _, lease in ipairs(leases) do
    local path, fence = lease.path, int(lease.fence)
    take_off(path, lease)
    for _, alias in ipairs(lease.also or {}) do
      take_off(alias, lease)
      paths[#paths + 1] = alias
    end
    call('ZREM', LOCK_DUE, path .. '\\0' .. fence)
    call('ZREM', HELD, lease.holder .. '\\0l' .. path .. '\\0' .. fence)
    if type then emit(type, path, by, fence_data(fence, more)) end
    paths[#paths + 1] = path
  end
  call_waiters(paths)
  for _, path in ipairs(paths) do let_in_after(path) end
end
local function lease_at(member)
  local path, fence = string.match(member, '^(%Z*)%z(%d+)$')
  for _, lease in ipairs(leases_in(path, call('HGET', LOCKS, path))) do
    if int(lease.fence) == fence and lease.path == path then return lease end
  end
end
local function sweep_expired()
  if now < lock_floor then return end
  for _, member in ipairs(call('ZRANGEBYSCORE', LOCK_DUE, '-inf', int(now), 'LIMIT', 0, LOCKS_EXPIRED_AT_ONCE)) do
    local lease = lease_at(member)
    end_leases({ lease }, 'lock.expired', lease.holder)
  end
  local first = call('ZRANGE', LOCK_DUE, 0, 0, 'WITHSCORES')
  lock_floor, dirty = tonumber(first[2] or HUGE), true
end
local function live_leases(members)
  local leases = {}
  for _, member in ipairs(members) do
    local lease = lease_at(member)
    if lease.due > now then leases[#leases + 1] = lease end
  end
  return leases
end
local function release_leases(holder, members)
  local leases = {}
  for _, lease in ipairs(live_leases(members)) do
    if not task_of(lease) then leases[#leases + 1] = lease end
  end
  end_leases(leases, 'lock.released', holder)
  return leases
end
`,
  "lock/first_waiter": `local function any_below(set, path)
  return call('ZRANGEBYLEX', set, '[' .. path .. '/', '(' .. path .. '0', 'LIMIT', '0', '1')[1] ~= nil
end
local function first_waiter(names)
  local first
  for i, name in ipairs(names) do
    local place = call('ZRANGEBYLEX', LOCK_WAIT_QUEUE, '[' .. name .. '\\0', '(' .. name .. '\\1', 'LIMIT', '0', '1')[1]
    if place and i > 1 then return false end
    first = place or first
    if first and lock_waiters == 1 then return first end
  end
  if any_below(LOCK_WAIT_QUEUE, names[1]) then return false end
  return first
end
`,
  "lock/format": `local function lease_fields(mode, holder, fence, intent)
  return '"mode":"' .. mode .. '","holder":"' .. holder .. '","fence":' .. fence .. ',"intent":' .. intent
end
local function lease_record(fields, ttl, at, more)
  return '{' .. fields .. ',"ttl":' .. ttl .. ',"at":' .. at .. (more or '') .. '}'
end
local function lease_shown(path, fields, at, due, task)
  return '{"path":' .. cjson.encode(path) .. ',' .. fields .. ',"acquiredAtMs":' .. at .. ',"expiresAtMs":' .. due ..
    (task and ',"taskId":"' .. task .. '"}' or '}')
end
local function granted_data(fence, mode)
  return fence_data(fence, '"mode":"' .. mode .. '"')
end
`,
  "lock/grant": `local function grant_lease(lease)
  local path, fence = lease.path, int(lease.fence)
  add_on(path, lease)
  for _, alias in ipairs(lease.also or {}) do add_on(alias, { of = path, fence = lease.fence }) end
  call('ZADD', LOCK_DUE, int(lease.due), path .. '\\0' .. fence)
  call('ZADD', HELD, 0, lease.holder .. '\\0l' .. path .. '\\0' .. fence)
  lock_floor = math.min(lock_floor, lease.due)
  emit('lock.acquired', path, lease.holder, granted_data(fence, lease.mode))
end
local function extend(lease, ttl)
  lease.ttl, lease.due = ttl, math.max(lease.due, now + ttl)
  local entries = entries_on(lease.path)
  for _, entry in ipairs(entries) do
    if entry.fence == lease.fence and not entry.of then entry.ttl = ttl end
  end
  keep_on(lease.path, entries)
  call('ZADD', LOCK_DUE, int(lease.due), lease.path .. '\\0' .. int(lease.fence))
  dirty = true
end
`,
  "lock/held": `local function count_leases(name)
  return count_in_set(name, 'l', LOCK_DUE)
end
local function lease_lengths(leases)
  local paths, fences, lengths = {}, {}, {}
  for i, member in ipairs(leases) do paths[i], fences[i] = string.match(member, '^(.*)%z(%d+)$') end
  for i, kept in ipairs(paths[1] and call('HMGET', LOCKS, unpack(paths)) or {}) do
    for _, lease in ipairs(kept and cjson.decode(kept) or {}) do
      local is_of_task = lease.more and lease.more.task
      if int(lease.fence) == fences[i] and not is_of_task then lengths[i] = lease.ttl end
    end
  end
  return lengths
end
local function renew_leases(leases)
  renew_in_set(LOCK_DUE, leases, lease_lengths(leases))
end
local function renew_leases_by(leases, lengths)
  renew_in_set(LOCK_DUE, leases, lengths)
end
local function add_lapsing_leases(lapsing, leases)
  add_lapsing(lapsing, 'lock', LOCK_DUE, leases, lease_lengths(leases), function(member)
    return string.match(member, '^(.*)%z%d+$')
  end)
end
`,
  "lock/list": `local FROM, PORTION = ARGV[6], tonumber(ARGV[7])
local SHOW_BYTES = 1048576
local shows, bytes = {}, 0
local function show(lease)
  local text = shown(lease)
  shows[#shows + 1], bytes = text, bytes + #text
end
local function answer(following)
  return '{"leases":[' .. table.concat(shows, ',') .. '],"next":' .. cjson.encode(following) .. '}'
end
if ARGV[5] ~= '' then
  for _, name in ipairs(names_of(ARGV[5])) do
    for _, lease in ipairs(live_over(name)) do show(lease) end
  end
  return answer('')
end
local names = call('ZRANGEBYLEX', LOCK_PATHS, FROM == '' and '-' or '(' .. FROM, '+', 'LIMIT', 0, PORTION)
local records = names[1] and call('HMGET', LOCKS, unpack(names)) or {}
for i, name in ipairs(names) do
  for _, lease in ipairs(live_in(name, records[i])) do
    if lease.path == name then show(lease) end
  end
  if bytes > SHOW_BYTES then return answer(name) end
end
return answer(#names == PORTION and names[PORTION] or '')
`,
  "lock/list_held": `local leases, tasks, following = held_portion(ARGV[5], ARGV[7], ARGV[6])
if #tasks > 0 then following = '' end
return '{"leases":' .. show_all(live_leases(leases)) .. ',"next":' .. cjson.encode(following) .. '}'
`,
  "lock/live": `return call('ZRANGEBYSCORE', LOCK_DUE, '(' .. int(now), '+inf', 'LIMIT', ARGV[5], ARGV[6])
`,
  "lock/names": `local function names_over(path)
  local top = string.sub(path, 1, 1) == '/' and '/' or '.'
  local names, at = { path }, string.match(path, '^(.+)/[^/]*$')
  while at do
    names[#names + 1] = at
    at = string.match(at, '^(.+)/[^/]*$')
  end
  if path ~= top then names[#names + 1] = top end
  return names
end
`,
  "lock/release": `local held, lost = select_leases({ unpack(ARGV, 6) }, ARGV[5])
local answer = '{"released":' .. show_all(held) .. ',"lost":[' .. table.concat(lost, ',') .. ']}'
end_leases(held, 'lock.released', ACTOR)
wake_waiters()
return finish(answer, true)
`,
  "lock/release_all": `local leases, tasks, following = held_portion(ACTOR, ARGV[6], ARGV[5])
if #tasks > 0 then following = '' end
local released = show_all(release_leases(ACTOR, leases))
wake_waiters()
return finish('{"released":' .. released .. ',"next":' .. cjson.encode(following) .. '}', true)
`,
  "lock/release_fast": `local SILENCE_MS = 5000
local LONE_LEASE = '^%[{("mode":"%l+","holder":"([^"]*)","fence":(%d+),"intent":".*"),"ttl":%d+,"at":(%d+)}%]$'
if FAST_PATH and not BATCHED and task_held_up == 0 and #ARGV == 6 and ARGV[6] ~= '.' and ARGV[6] ~= '/' and string.sub(ARGV[4], 1, 1) == '0' then
  local path, actor = ARGV[6], ARGV[3]
  local record = call('HGET', LOCKS, path)
  local fields, holder, fence, at = string.match(record or '', LONE_LEASE)
  local simple, member, due, next = holder == actor and not string.find(record, '},{', 1, true), nil, nil, nil
  if simple then
    member = path .. '\\0' .. fence
    due = call('ZSCORE', LOCK_DUE, member)
    simple = tonumber(due) > now and (ARGV[5] == '' or ARGV[5] == fence)
  end
  if simple and lock_waiters > 0 then
    local first = first_waiter(names_over(path))
    simple = first ~= false
    if first then
      next = cjson.decode(call('HGET', LOCK_WAITERS, string.match(first, '%z%d+%z(.*)$')))
      simple = next.mode == 'exclusive' and not next.called and now - next.seen <= SILENCE_MS and wake(next.waker)
    end
  end
  if simple then
    last_event = last_event + 1
    call('HDEL', LOCKS, path)
    call('ZREM', LOCK_PATHS, path)
    call('ZREM', LOCK_DUE, member)
    call('ZREM', HELD, actor .. '\\0l' .. member)
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
`,
  "lock/renew": `local held, lost = select_leases({ unpack(ARGV, 7) }, ARGV[5])
if #lost > 0 then return finish('{"lost":[' .. table.concat(lost, ',') .. ']}') end
for _, lease in ipairs(held) do extend(lease, tonumber(ARGV[6]) or lease.ttl) end
return finish('{"renewed":' .. show_all(held) .. '}')
`,
  "lock/rows": `local entries_on, leases_in, live_in, live_on, names_of, task_of, shown, show_all, keep_on, add_on, take_off,
  covers, modes_conflict, below, live_over, first_overlapping
do
  local function entries_of(record)
    return record and cjson.decode(record) or {}
  end
  function entries_on(name)
    return entries_of(call('HGET', LOCKS, name))
  end
  function leases_in(name, record)
    local leases = {}
    for _, entry in ipairs(entries_of(record)) do
      local lease = entry
      if entry.of then
        for _, other in ipairs(entries_on(entry.of)) do
          if other.fence == entry.fence and not other.of then lease = other end
        end
      end
      lease.path = entry.of or name
      lease.due = tonumber(call('ZSCORE', LOCK_DUE, lease.path .. '\\0' .. int(lease.fence)))
      leases[#leases + 1] = lease
    end
    return leases
  end
  function live_in(name, record)
    local live = {}
    for _, lease in ipairs(leases_in(name, record)) do
      if lease.due > now then live[#live + 1] = lease end
    end
    return live
  end
  function live_on(name)
    return live_in(name, call('HGET', LOCKS, name))
  end
  function names_of(given)
    local names = {}
    for name in string.gmatch(given, '%Z+') do names[#names + 1] = name end
    return names
  end
  function task_of(lease)
    return lease.more and lease.more.task
  end
  function shown(lease)
    local fields = lease_fields(lease.mode, lease.holder, int(lease.fence), cjson.encode(lease.intent))
    return lease_shown(lease.path, fields, int(lease.at), int(lease.due), task_of(lease))
  end
  local function kept(entry)
    if entry.of then return '{"of":' .. cjson.encode(entry.of) .. ',"fence":' .. int(entry.fence) .. '}' end
    local fields = lease_fields(entry.mode, entry.holder, int(entry.fence), cjson.encode(entry.intent))
    local also = entry.also and ',"also":' .. cjson.encode(entry.also) or ''
    local more = entry.more and ',"more":' .. cjson.encode(entry.more) or ''
    return lease_record(fields, int(entry.ttl), int(entry.at), also .. more)
  end
  function show_all(leases)
    local all = {}
    for i, lease in ipairs(leases) do all[i] = shown(lease) end
    return '[' .. table.concat(all, ',') .. ']'
  end
  function keep_on(name, entries)
    if #entries == 0 then
      call('HDEL', LOCKS, name)
      call('ZREM', LOCK_PATHS, name)
    else
      local all = {}
      for i, entry in ipairs(entries) do all[i] = kept(entry) end
      call('HSET', LOCKS, name, '[' .. table.concat(all, ',') .. ']')
    end
  end
  function add_on(name, entry)
    local entries = entries_on(name)
    entries[#entries + 1] = entry
    keep_on(name, entries)
    call('ZADD', LOCK_PATHS, 0, name)
  end
  function take_off(name, lease)
    local kept = {}
    for _, entry in ipairs(entries_on(name)) do
      if entry.fence ~= lease.fence or (entry.of or name) ~= lease.path then kept[#kept + 1] = entry end
    end
    keep_on(name, kept)
  end
  function covers(a, b)
    if a == b then return true end
    if a == '.' then return string.sub(b, 1, 1) ~= '/' end
    if a == '/' then return string.sub(b, 1, 1) == '/' end
    return string.sub(b, 1, #a + 1) == a .. '/'
  end
  function modes_conflict(a, b)
    return a == 'exclusive' or b == 'exclusive'
  end
  function below(path)
    if path == '.' then return '-', '+' end
    local start = path == '/' and '' or path
    return '[' .. start .. '/', '(' .. start .. '0'
  end
  function live_over(path)
    local names, found = names_over(path), {}
    for i, record in ipairs(call('HMGET', LOCKS, unpack(names))) do
      for _, lease in ipairs(live_in(names[i], record)) do found[#found + 1] = lease end
    end
    return found
  end
  local function first_among(names, records, keeps_out, harmless)
    local places, members = {}, {}
    for i, record in ipairs(records) do
      if record and not harmless(record) then
        local single = not string.find(record, '"of":', 1, true) and not string.find(record, '},{', 1, true)
        places[#places + 1] = i
        members[#members + 1] = single and names[i] .. '\\0' .. string.match(record, '"fence":(%d+)') or ''
      end
    end
    if #places == 0 then return end
    for i, due in ipairs(call('ZMSCORE', LOCK_DUE, unpack(members))) do
      local name = names[places[i]]
      if members[i] == '' or tonumber(due) > now then
        for _, lease in ipairs(live_in(name, records[places[i]])) do
          if keeps_out(lease) then return lease end
        end
      end
    end
  end
  function first_overlapping(path, keeps_out, harmless)
    for _, lease in ipairs(live_over(path)) do
      if keeps_out(lease) then return lease end
    end
    local from, to = below(path)
    local size = 16
    while true do
      local names = call('ZRANGEBYLEX', LOCK_PATHS, from, to, 'LIMIT', 0, size)
      if #names == 0 then return end
      local records = call('HMGET', LOCKS, unpack(names))
      for i, name in ipairs(names) do
        if name == path or not covers(path, name) then records[i] = false end
      end
      local lease = first_among(names, records, keeps_out, harmless)
      if lease or #names < size then return lease end
      from, size = '(' .. names[#names], math.min(size * 2, 1024)
    end
  end
end
`,
  "lock/selection": `local function own_leases(names, fence, of_tasks)
  local own = {}
  for _, name in ipairs(names) do
    for _, lease in ipairs(live_on(name)) do
      local is_meant = lease.holder == ACTOR and (of_tasks or not task_of(lease))
      if is_meant and (fence == '' or int(lease.fence) == fence) then own[#own + 1] = lease end
    end
    if #own > 0 then break end
  end
  return own
end
local function lost_lease(names)
  local current, covering
  for _, name in ipairs(names) do current = current or live_on(name)[1] end
  for _, name in ipairs(names) do
    for _, lease in ipairs(live_over(name)) do
      local above = lease.holder == ACTOR and not (current and lease.path == current.path)
      if above and not covering then covering = shown(lease) end
    end
  end
  return '{"path":' .. cjson.encode(names[1]) .. (current and ',"current":' .. shown(current) or '') ..
    (covering and ',"covering":' .. covering or '') .. '}'
end
local function select_leases(paths, fence)
  local held, lost = {}, {}
  for _, given in ipairs(paths) do
    local names = names_of(given)
    local own = own_leases(names, fence)
    for _, lease in ipairs(own) do held[#held + 1] = lease end
    if #own == 0 then lost[#lost + 1] = lost_lease(names) end
  end
  return held, lost
end
`,
  "lock/take": `local KEEP_OTHERS = ARGV[5] == '1'
local told = {}
local function brief(lease)
  return '{"path":' .. cjson.encode(lease.path) .. ',"holder":' .. cjson.encode(lease.holder) ..
    ',"fence":' .. int(lease.fence) .. '}'
end
local function tell(kept, ended)
  told[#told + 1] = '[' .. brief(kept) .. ',' .. brief(ended) .. ']'
end
local function conflicting(record, names)
  local found, known = {}, {}
  local function note(lease)
    local place = lease.path .. '\\0' .. int(lease.fence)
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
  local member, due = path .. '\\0' .. fence, now + record.leftMs
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
  call('ZADD', HELD, 0, record.holder .. '\\0l' .. member)
  lock_floor = math.min(lock_floor, due)
end
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
      end_leases({ lease_at(record.path .. '\\0' .. int(record.fence)) })
    end
  end
end
wake_waiters()
return finish(keep_conflicts('lock', told))
`,
  "lock/wait_queue": `local CALL_MS = 250
local LOOKS_WITHIN_MS = 1000
local SILENCE_MS = 5000
local WAITERS_LOOKED_AT = 256
local WAITER_NAMES_LOOKED_AT = 4096
local find_waiter, place_of, save_waiter, remove_waiter, waiters_on, has_precedence, call_waiters
do
  function find_waiter(id)
    local record = call('HGET', LOCK_WAITERS, id)
    return record and cjson.decode(record)
  end
  function place_of(waiter, path)
    return path .. '\\0' .. string.format('%016.0f', waiter.seq) .. '\\0' .. waiter.id
  end
  function save_waiter(waiter)
    call('HSET', LOCK_WAITERS, waiter.id, cjson.encode(waiter))
    dirty = true
  end
  function remove_waiter(waiter)
    call('HDEL', LOCK_WAITERS, waiter.id)
    for _, path in ipairs(waiter.paths) do call('ZREM', LOCK_WAIT_QUEUE, place_of(waiter, path)) end
    lock_waiters, dirty = lock_waiters - 1, true
    let_in_behind(waiter.paths)
  end
  local function collect_waiters(ids, seqs, path)
    local function add(member)
      local seq, id = string.match(member, '%z(%d+)%z(.*)$')
      seq = tonumber(seq)
      if not ids[seq] then ids[seq], seqs[#seqs + 1] = id, seq end
    end
    for _, name in ipairs(names_over(path)) do
      for _, member in ipairs(call('ZRANGEBYLEX', LOCK_WAIT_QUEUE, '[' .. name .. '\\0', '(' .. name .. '\\1',
        'LIMIT', 0, WAITERS_LOOKED_AT)) do
        add(member)
      end
    end
    local from, to = below(path)
    for _, member in ipairs(call('ZRANGEBYLEX', LOCK_WAIT_QUEUE, from, to, 'LIMIT', 0, WAITER_NAMES_LOOKED_AT)) do
      if covers(path, string.match(member, '^(%Z*)')) then add(member) end
    end
  end
  function waiters_on(paths)
    local ids, seqs, waiters, names = {}, {}, {}, 0
    for _, path in ipairs(paths) do collect_waiters(ids, seqs, path) end
    table.sort(seqs)
    for _, seq in ipairs(seqs) do
      if #waiters == WAITERS_LOOKED_AT or names > WAITER_NAMES_LOOKED_AT then break end
      local waiter = find_waiter(ids[seq])
      waiters[#waiters + 1], names = waiter, names + #waiter.paths
    end
    return waiters
  end
  function has_precedence(waiter)
    if now - waiter.seen > SILENCE_MS then return false end
    return not waiter.called or now - waiter.called <= CALL_MS
  end
  local function nothing_wanted()
    return { exclusive = { names = {}, over = {} }, shared = { names = {}, over = {} } }
  end
  local function want(wanted, waiter)
    local theirs = wanted[waiter.mode]
    for _, path in ipairs(waiter.paths) do
      theirs.names[path] = true
      for _, name in ipairs(names_over(path)) do theirs.over[name] = true end
    end
  end
  local function kept_back_by(wanted, waiter)
    for mode, theirs in pairs(wanted) do
      if modes_conflict(mode, waiter.mode) then
        for _, path in ipairs(waiter.paths) do
          if theirs.over[path] then return true end
          for _, name in ipairs(names_over(path)) do
            if theirs.names[name] then return true end
          end
        end
      end
    end
    return false
  end
  function call_waiters(paths)
    if lock_waiters == 0 then return end
    local wanted = nothing_wanted()
    for _, waiter in ipairs(waiters_on(paths)) do
      local silent = now - waiter.seen > SILENCE_MS
      if silent or has_precedence(waiter) then
        local kept_back = kept_back_by(wanted, waiter)
        if silent or not (kept_back or waiter.waker == '' or wake(waiter.waker)) then
          remove_waiter(waiter)
        else
          want(wanted, waiter)
          if not kept_back and not waiter.called then
            waiter.called = waiter.waker == '' and math.max(now, waiter.seen + LOOKS_WITHIN_MS) or now
            save_waiter(waiter)
          end
        end
      end
    end
  end
end
`,
  "task/abandon": `dequeue_waiter(ARGV[5])
return finish('')
`,
  "task/attempts": `local OLDER_KEPT = 99
local HANDOFF = 10
local HANDOFF_BYTES = 65536
local attempt_text, add_older, put_aside, with_handoff
do
  local function quoted(text)
    return (string.gsub(cjson.encode(text), '\\\\/', '/'))
  end
  function attempt_text(work, more)
    return '{"holder":"' .. work.worker .. '","fence":' .. int(work.fence) .. ',"startedAtMs":' .. int(work.started)
      .. ',"endedAtMs":' .. int(work.ended) .. ',"outcome":"' .. work.outcome .. '"'
      .. (work.error and ',"error":' .. quoted(work.error) or '')
      .. (work.progress and ',"progress":' .. quoted(work.progress) or '') .. (more or '') .. '}'
  end
  function add_older(task, text)
    local id, older = task.id, (task.work.older or 0) + 1
    call('HSET', TASKS, id .. 'a' .. older, text)
    if older > OLDER_KEPT then call('HDEL', TASKS, id .. 'a' .. older - OLDER_KEPT) end
    task.work.older = older
  end
  function put_aside(task)
    if task.work.worker then add_older(task, attempt_text(task.work)) end
  end
  function with_handoff(task)
    local older = task.work.older
    if not older then return task.record end
    local before, bytes = {}, 0
    for n = older, math.max(1, older - HANDOFF + 1), -1 do
      local field = task.id .. 'a' .. n
      bytes = bytes + call('HSTRLEN', TASKS, field)
      if n < older and bytes > HANDOFF_BYTES then break end
      table.insert(before, 1, call('HGET', TASKS, field))
    end
    return string.sub(task.record, 1, -2) .. ',"before":[' .. table.concat(before, ',') .. ']}'
  end
end
`,
  "task/cancel": `local task = chosen_task()
if not task then return finish('{"kind":"unknown"}') end
local work, from = task.work, task.work.status
if from == 'cancelled' or replayed('task.cancelled', task.id) then return answer('done', task) end
if from == 'completed' or from == 'dead' then return answer('refused', task) end
local data
if from == 'claimed' then
  end_attempt(task, 'cancelled', now)
  data = fence_data(int(work.fence))
end
work.status, work.updated, task.due = 'cancelled', now, nil
save(task, from)
emit('task.cancelled', task.id, ACTOR, data)
return answer('done', task)
`,
  "task/change": `local function enter_queue(task)
  arrive(task)
  local place = tag_place(task.priority, task.seq, task.id)
  for tag in string.gmatch(task.tags, '[^,]+') do
    call('ZADD', TASK_TAGS, 0, tag .. place)
  end
end
local function leave_queue(task)
  arrived[task.id] = nil
  local place = tag_place(task.priority, task.seq, task.id)
  for tag in string.gmatch(task.tags, '[^,]+') do
    call('ZREM', TASK_TAGS, tag .. place)
  end
  if task_held_up > 0 and paths_of(task) and leave_held_up(task) then
    local held_place = place_by_rank(HELD_UP + rank_of(task.priority, task.seq), task.id)
    for tag in string.gmatch(task.tags, '[^,]+') do call('ZREM', TASK_TAGS, tag .. held_place) end
  end
end
local function place_of(task)
  local status = task.work.status
  if status == 'claimed' then return task.due end
  if status == 'pending' then return REGION + rank_of(task.priority, task.seq) end
  local regions = { scheduled = 2, blocked = 3, completed = 4, dead = 5, cancelled = 6 }
  return regions[status] * REGION + task.seq
end
local function save(task, from)
  local id, status, locks = task.id, task.work.status, task.work.locks
  task.work.taken = nil
  if status ~= 'claimed' then task.work.locks = nil end
  task.record = encode(task.work)
  call('HSET', TASKS, id .. 'w', task.record)
  call('ZADD', TASK_ORDER, place_of(task), id)
  if status == 'scheduled' then
    call('ZADD', TASK_LATER, task.due, id)
  end
  if task.due then task_floor = math.min(task_floor, task.due) end
  dirty = true
  if status == from then
    if status == 'claimed' and locks then renew_paths(locks, task.work) end
    return
  end
  if from == 'pending' then leave_queue(task) end
  if from == 'scheduled' then call('ZREM', TASK_LATER, id) end
  if from == 'claimed' then call('ZREM', HELD, task.work.worker .. '\\0t' .. id) end
  if status == 'pending' then enter_queue(task) end
  if status == 'claimed' then call('ZADD', HELD, 0, ACTOR .. '\\0t' .. id) end
  if from == 'claimed' and locks then unlock_paths(locks, task.work) end
end
local function emit_dead(task)
  emit('task.dead', task.id, nil, '{"attempts":' .. task.work.spent .. '}')
end
local function expire_kept(task)
  local from, work = task.work.status, task.work
  if not expire(task) then return end
  save(task, from)
  if from ~= 'claimed' then return end
  emit('task.expired', task.id, work.worker, fence_data(int(work.fence)))
  if work.status == 'dead' then emit_dead(task) end
end
local function release(task, why, start)
  local work = task.work
  emit('task.released', task.id, work.worker, fence_data(int(work.fence)))
  end_attempt(task, 'released', now, why)
  work.spent = work.spent - 1
  wait(task, start)
  save(task, 'claimed')
end
`,
  "task/choice": `local function answer(kind, task)
  wake_waiters()
  return finish('{"kind":"' .. kind .. '","task":' .. show(task) .. '}')
end
local function chosen_task()
  local task = find(ARGV[5])
  if task then expire_kept(task) end
  return task
end
`,
  "task/claim": `local REQUEST, WAITER, WAKER, PLACE = ARGV[5], ARGV[6] or '', ARGV[7], ARGV[8] or ''
local function is_queued()
  return WAITER ~= '' and task_waiters > 0 and call('ZSCORE', TASK_WAIT_QUEUE, WAITER)
end
local tasks, more, go_on
if is_retry then tasks = claimed_before(replay()) end
if not tasks and PLACE == '~' and is_queued() then
  enqueue_waiter(WAITER, WAKER, REQUEST)
  more = sweep()
  wake_waiters()
else
  if PLACE == '~' or PLACE ~= '' and WAITER ~= '' and not is_queued() then PLACE = '' end
  if not tasks then tasks, more, go_on = claim(REQUEST, PLACE) end
  if tasks then
    if WAITER ~= '' then dequeue_waiter(WAITER) end
    wake_waiters()
    return finish(tasks)
  end
  wake_waiters()
  if WAITER ~= '' then enqueue_waiter(WAITER, WAKER, REQUEST) end
  if go_on then return finish('@' .. go_on) end
end
local due = more and now or math.min(task_floor, task_held_up > 0 and lock_floor or HUGE)
return finish(due < HUGE and int(due - now) or '')
`,
  "task/complete": `local UNBLOCKED_AT_ONCE = 256
local REQUEST, ID, FENCE, RESULT = ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local before = is_retry and replay() or {}
local task = find(ID)
if not task then return finish({ '{"kind":"unknown"}' }) end
local work, from = task.work, task.work.status
expire(task)
local status, mine = work.status, work.worker == ACTOR and (FENCE == '' or FENCE == int(work.fence))
local late = work.outcome == 'expired' and status ~= 'dead' and status ~= 'cancelled'
local answer, telling = nil, ''
if mine and (status == 'claimed' or late) then
  end_attempt(task, 'completed', now)
  work.status = 'completed'
  save(task, from)
  if RESULT ~= '' then call('HSET', TASKS, ID .. 'r', RESULT) end
  emit('task.completed', ID, ACTOR, fence_data(int(work.fence)))
  if unblock(ID, UNBLOCKED_AT_ONCE) then
    call('ZADD', TASK_LATER, 0, ID)
    task_floor, telling = 0, '"telling":true,'
  end
  answer = telling .. '"sent":true,"task":' .. show_with(task)
else
  local again = mine and FENCE ~= '' and work.outcome == 'completed' or replayed('task.completed', ID)
  if not again then return finish({ '{"kind":"lost","task":' .. show(task) .. '}' }) end
  answer = '"task":' .. show(task)
end
local tasks = claimed_before(before)
if not tasks and REQUEST ~= '' then
  local _, go_on
  tasks, _, go_on = claim(REQUEST, '')
  if go_on then answer = '"unlooked":true,' .. answer end
end
wake_waiters()
return finish({ '{"kind":"done",' .. answer .. '}', unpack(tasks or {}) })
`,
  "task/counts": `local SORTED_AT_ONCE = 1000
local STATUSES = { 'claimed', 'pending', 'scheduled', 'blocked', 'completed', 'dead', 'cancelled' }
local counts = {}
for i, status in ipairs(STATUSES) do
  counts[status] = call('ZCOUNT', TASK_ORDER, (i - 1) * REGION, '(' .. int(i * REGION))
end
local dead, rest = 0, ''
if now >= task_floor then
  local lapsed = call('ZCOUNT', TASK_ORDER, 0, now)
  if lapsed > SORTED_AT_ONCE and ARGV[5] == '' then return '' end
  local started = call('ZCOUNT', TASK_LATER, '(0', now)
  local first = tonumber(ARGV[5]) or 0
  local last = math.min(lapsed, first + SORTED_AT_ONCE)
  for _, id in ipairs(first < last and call('ZRANGE', TASK_ORDER, first, last - 1) or {}) do
    local kept = call('HMGET', TASKS, id, id .. 'w')
    local max = string.match(kept[1], '^%[%d+,%d,%d+,(%d+)')
    if cjson.decode(kept[2]).spent >= tonumber(max) then dead = dead + 1 end
  end
  if last < lapsed then rest = ',"next":' .. int(last) end
  counts.scheduled = counts.scheduled - started
  counts.claimed = counts.claimed - lapsed
  counts.pending = counts.pending + started + lapsed
end
return '{"counts":' .. cjson.encode(counts) .. ',"dead":' .. int(dead) .. rest .. '}'
`,
  "task/create": `local FIRST, WIDTH = 5, 5
local size = (#ARGV - FIRST + 1) / WIDTH
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
    local said, texts = ARGV[at + 2], '",\\n' .. ARGV[at + 4] .. ']'
    local needs = table.concat(member.needs, ',')
    local spec = '[' .. string.format('%d', seq) .. ',' .. said .. created_by .. needs .. texts
    local priority, tags, start = string.match(said, '^(%d),%d+,%d+,"([^"]*)","%a",%d+,(%w+)$')
    local status = 'pending'
    member.spec = spec
    if tags == '' and start == 'null' and ARGV[at + 3] == '' and task_waiters == 0 then
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
    tasks[i] = show(task or find(member.id))
  else
    tasks[i] = (member.plain or task.work.status == 'pending' and task.needs == '') and '0' or show(task)
  end
end
return finish('{"kind":"created","nowMs":' .. int(now) .. ',"tasks":[' .. table.concat(tasks, ',') .. ']}')
`,
  "task/dependencies": `local function add_link(on, id)
  call('ZADD', TASK_LINKS, 0, on .. '\\0' .. id)
  task_links = task_links + 1
end
local function unblock(id, portion)
  if task_links == 0 then return false end
  local members = call('ZRANGEBYLEX', TASK_LINKS, '[' .. id .. '\\0', '(' .. id .. '\\1', 'LIMIT', 0, portion + 1)
  local more = #members > portion
  if more then members[#members] = nil end
  local waiting = {}
  for i, member in ipairs(members) do
    call('ZREM', TASK_LINKS, member)
    waiting[i] = find(string.sub(member, #id + 2))
  end
  task_links = task_links - #members
  table.sort(waiting, function(a, b) return a.seq < b.seq end)
  for _, task in ipairs(waiting) do
    local from = task.work.status
    task.work.waits = task.work.waits - 1
    if from == 'blocked' then wait(task, task.start) end
    save(task, from)
  end
  return more
end
`,
  "task/expire": `local SWEPT_AT_ONCE = 64
local function sweep()
  local letting_in = sweep_held_up()
  if now < task_floor then return letting_in, {}, false end
  local due = call('ZRANGEBYSCORE', TASK_LATER, 0, now, 'LIMIT', 0, SWEPT_AT_ONCE)
  local lapsed = call('ZRANGEBYSCORE', TASK_ORDER, 0, now, 'LIMIT', 0, SWEPT_AT_ONCE)
  local unblocked = false
  for _, id in ipairs(due) do
    local task = find(id)
    if task.work.status ~= 'completed' then
      expire_kept(task)
    elseif not unblocked then
      unblocked = true
      if not unblock(id, SWEPT_AT_ONCE) then call('ZREM', TASK_LATER, id) end
    end
  end
  local tasks = {}
  for i, id in ipairs(lapsed) do tasks[i] = find(id) end
  table.sort(tasks, function(a, b) return a.due < b.due or a.due == b.due and a.seq < b.seq end)
  for i, task in ipairs(tasks) do
    lapsed[i] = task.id
    expire_kept(task)
  end
  local first = call('ZRANGE', TASK_ORDER, 0, 0, 'WITHSCORES')
  local earliest = tonumber(first[2] or HUGE)
  local later = tonumber(call('ZRANGE', TASK_LATER, 0, 0, 'WITHSCORES')[2] or HUGE)
  task_floor, dirty = math.min(earliest < REGION and earliest or HUGE, later), true
  return letting_in or unblocked or #due == SWEPT_AT_ONCE or #lapsed == SWEPT_AT_ONCE, lapsed, later == 0
end
`,
  "task/fail": `local MAX_BACKOFF_MS = 3600000
local task, kind, other = held_task('failed')
if not task then return refuse(kind, other) end
local work = task.work
end_attempt(task, 'failed', now, ARGV[7])
if ARGV[8] == '1' and work.spent < task.max then
  local factors = { n = 0, l = work.spent, e = 2 ^ (work.spent - 1) }
  wait(task, now + math.min(task.base * factors[task.kind], MAX_BACKOFF_MS))
else
  work.status = 'dead'
end
save(task, 'claimed')
emit('task.failed', task.id, ACTOR, fence_data(int(work.fence)))
if work.status == 'dead' then emit_dead(task) end
wake_waiters()
return answer('done', task)
`,
  "task/fast": `repeat
  if not FAST_PATH or now >= task_floor or COMPLETES and task_links > 0 or
    task_held_up > 0 and now >= lock_floor then break end
  local text, match = string.format, string.match
  local request = ARGV[BATCHED and 8 or 5]
  local asked, tag
  if request ~= '1' and request ~= '' then
    asked, tag = match(request, '^1|%a+|(%d*)|([^,]*)$')
    if not tag then break end
  end
  local operations, works, named, simple = {}, {}, BATCHED and {}, true
  local before, last = BATCHED and 3 or 0, #ARGV
  while simple and before < last do
    local size = BATCHED and tonumber(ARGV[before]) or last
    local id = ARGV[before + 6]
    simple = ARGV[before + 5] == request and string.sub(ARGV[before + 4], 1, 1) == '0'
    if COMPLETES then
      simple = simple and size == 8 and not (named and named[id])
      if named then named[id] = true end
      works[#works + 1] = id .. 'w'
    else
      simple = simple and (size == 5 or task_waiters == 0)
    end
    operations[#operations + 1] = before
    before = before + size + 1
  end
  if not simple then break end
  local was, n = {}, 0
  if COMPLETES then
    for i, record in ipairs(call('HMGET', TASKS, unpack(works))) do
      record = record or ''
      local worker, fence, seq, rest, started = match(record,
        '^{"status":"claimed","worker":"([^"]*)","fence":(%d+),"more":true,"seq":(%d+),("spent":1,"lease":%d+,"started":(%d+))}$')
      if not worker then
        worker, fence, seq, rest = match(record,
          '^{"status":"claimed","worker":"([^"]*)","fence":(%d+),"more":true,"seq":(%d+),(.*)}$')
      end
      local actor, wanted = ARGV[operations[i] + 3], ARGV[operations[i] + 7]
      simple = simple and worker == actor and (wanted == '' or wanted == fence)
      was[n + 1], was[n + 2], was[n + 3], was[n + 4] = fence, seq, rest, started or false
      n = n + 4
    end
    if not simple then break end
  end
  local heads, kept = {}, {}
  if request ~= '' then
    local count = text('%d', #operations)
    if tag and tag ~= '' then
      heads = call('ZRANGEBYLEX', TASK_TAGS, '[' .. tag .. '\\0', '(' .. tag .. HELD_UP_FROM, 'LIMIT', '0', count)
      for i, member in ipairs(heads) do heads[i] = string.sub(member, #tag + 19) end
    else
      heads = call('ZRANGEBYSCORE', TASK_ORDER, PENDING_FROM, PENDING_TO, 'LIMIT', '0', count)
    end
    if #heads < #operations and not COMPLETES then break end
    if heads[1] then
      local fields = {}
      for i, head in ipairs(heads) do fields[i * 2 - 1], fields[i * 2] = head, head .. 'w' end
      kept = call('HMGET', TASKS, unpack(fields))
      for i = 2, #heads * 2, 2 do
        simple = simple and not kept[i] and not string.find(kept[i - 1], '"paths":', 1, true)
      end
      if not simple then break end
    end
  end
  local at, answers = text('%d', now), {}
  local fields, places, left, taken, tagged = {}, {}, {}, {}, {}
  local set, placed, took, noted = 0, 0, 0, 0
  local entry, whose = {}, nil
  for i, from in ipairs(operations) do
    local actor, head, answer = ARGV[from + 3], heads[i], {}
    local named_actor, emitted = actor .. '\\0t', 0
    if COMPLETES then
      local id, result = ARGV[from + 6], ARGV[from + 8]
      local fence, seq, rest, started = unpack(was, i * 4 - 3, i * 4)
      local record = work_text('completed', actor, fence, nil, nil,
        '"ended":' .. at .. ',"outcome":"completed",' .. rest)
      answer[1] = started and started .. ' ' .. at or record
      fields[set + 1], fields[set + 2] = works[i], record
      set = set + 2
      if result ~= '' then
        fields[set + 1], fields[set + 2] = id .. 'r', result
        set = set + 2
      end
      places[placed + 1], places[placed + 2] = text('%d', 4 * REGION + seq), id
      placed = placed + 2
      left[i] = named_actor .. id
      entry[noted + 1], entry[noted + 2] = 'task.completed', event_text(id, actor, fence_data(fence))
      noted, emitted = noted + 2, 1
    end
    if head then
      local spec, n = kept[i * 2 - 1], COMPLETES and 1 or 0
      local seq, priority, length, max, tags = match(spec, '^%[(%d+),(%d),(%d+),(%d+),"([^"]*)"')
      if asked and asked ~= '' then length = asked end
      local due = now + length
      if due < task_floor then task_floor = due end
      last_fence = last_fence + 1
      local number = text('%d', last_fence)
      answer[n + 1], answer[n + 2], answer[n + 3] = head, spec, number .. ' ' .. at
      fields[set + 1] = head .. 'w'
      fields[set + 2] = work_text('claimed', actor, number, max ~= '1', seq,
        '"spent":1,"lease":' .. length .. ',"started":' .. at)
      set = set + 2
      places[placed + 1], places[placed + 2] = text('%d', due), head
      placed = placed + 2
      taken[took + 1], taken[took + 2] = '0', named_actor .. head
      took = took + 2
      if tags ~= '' then
        local place = tag_place(priority, seq, head)
        for one in string.gmatch(tags, '[^,]+') do tagged[#tagged + 1] = one .. place end
      end
      entry[noted + 1], entry[noted + 2] = 'task.claimed', event_text(head, actor, fence_data(number))
      noted, emitted = noted + 2, emitted + 1
    end
    answers[i] = answer
    last_event = last_event + emitted
    whose = (whose and whose .. ' ' or '') .. ARGV[from + 1] .. '=' .. emitted
    if i % 4 == 0 or i == #operations then
      add_entry(entry, last_event, whose)
      entry, whose, noted = {}, nil, 0
    end
  end
  call('HSET', TASKS, unpack(fields))
  call('ZADD', TASK_ORDER, unpack(places))
  if left[1] then call('ZREM', HELD, unpack(left)) end
  if taken[1] then call('ZADD', HELD, unpack(taken)) end
  if tagged[1] then call('ZREM', TASK_TAGS, unpack(tagged)) end
  save_state()
  return BATCHED and answers or answers[1]
until true
`,
  "task/format": `local REGION, PRIORITY = 562949953421312, 17592186044416
local HELD_UP, HELD_UP_FROM = 281474976710656, '\\0000281474976710656'
local PENDING_FROM, PENDING_TO = '562949953421312', '(844424930131968'
local function rank_of(priority, seq)
  return (9 - priority) * PRIORITY + seq
end
local function work_text(status, worker, fence, more, seq, rest)
  return '{"status":"' .. status .. '","worker":"' .. worker .. '","fence":' .. fence .. (more and ',"more":true' or '')
    .. (seq and ',"seq":' .. seq or '') .. ',' .. rest .. '}'
end
local function place_by_rank(rank, id)
  return '\\0' .. string.format('%016.0f', rank) .. '\\0' .. id
end
local function tag_place(priority, seq, id)
  return place_by_rank(rank_of(priority, seq), id)
end
`,
  "task/get": `local PORTION = 524288
local ID, number = ARGV[5], tonumber(ARGV[6])
local answer, bytes = { '', '' }, 0
if not number then
  local task = find(ID)
  if not task then return answer end
  answer[1], number = show(task), (task.work.older or 0) + 1
end
while number > 1 do
  if bytes >= PORTION then
    answer[2] = int(number)
    break
  end
  number = number - 1
  local text = call('HGET', TASKS, ID .. 'a' .. number)
  if not text then break end
  answer[#answer + 1], bytes = text, bytes + #text
end
return answer
`,
  "task/held": `local function count_claims(name)
  return count_in_set(name, 't', TASK_ORDER)
end
local function claim_bytes(id)
  return call('HSTRLEN', TASKS, id) + call('HSTRLEN', TASKS, id .. 'w')
end
local function claim_lengths(ids, leases, lease_lengths)
  local works, lengths = {}, {}
  for i, id in ipairs(ids) do works[i] = id .. 'w' end
  for i, work in ipairs(works[1] and call('HMGET', TASKS, unpack(works)) or {}) do
    lengths[i] = tonumber(work and string.match(work, '"lease":(%d+)'))
    if leases and work and string.find(work, '"locks":', 1, true) then
      local held = cjson.decode(work)
      for _, path in ipairs(held.locks) do
        leases[#leases + 1], lease_lengths[#leases + 1] = path .. '\\0' .. int(held.fence), lengths[i]
      end
    end
  end
  return lengths
end
local function renew_claims(ids)
  local leases, lengths = {}, {}
  renew_in_set(TASK_ORDER, ids, claim_lengths(ids, leases, lengths))
  renew_leases_by(leases, lengths)
end
local function add_lapsing_claims(lapsing, ids)
  add_lapsing(lapsing, 'task', TASK_ORDER, ids, claim_lengths(ids), function(id) return id end)
end
`,
  "task/held_task": `local function answer(kind, task)
  return finish('{"kind":"' .. kind .. '","task":' .. show(task) .. '}')
end
local function held_task(ends)
  local id, fence = ARGV[5], ARGV[6]
  local task = find(id)
  if not task then return nil, 'unknown' end
  if ends and replayed('task.' .. ends, id) then return nil, 'done', task end
  expire(task)
  local work = task.work
  local mine = work.worker == ACTOR and (fence == '' or fence == int(work.fence))
  if mine and work.status == 'claimed' then return task end
  local again = mine and ends and fence ~= '' and work.outcome == ends
  return nil, again and 'done' or 'lost', task
end
local function refuse(kind, task)
  if not task then return finish('{"kind":"' .. kind .. '"}') end
  return answer(kind, task)
end
`,
  "task/held_up": `local LET_IN_AT_ONCE = 64
local STARVED_MS = 300000
local STARVING_MOST = 8
local let_in_all, let_more_in, let_in_after, let_in_behind, leave_held_up, hold_up
do
  local function by_rank(rank)
    return string.format('%016.0f', rank)
  end
  local function move(id, tags, from, to)
    call('ZADD', TASK_ORDER, int(REGION + to), id)
    local old, new = place_by_rank(from, id), place_by_rank(to, id)
    for tag in string.gmatch(tags, '[^,]+') do
      call('ZREM', TASK_TAGS, tag .. old)
      call('ZADD', TASK_TAGS, 0, tag .. new)
    end
  end
  local function let_in(member)
    local tags, rank, id = string.match(member, '^%Z*%z%Z*%z(%Z*)%z(%d+)%z(.*)$')
    if tonumber(call('ZSCORE', TASK_ORDER, id)) < REGION + HELD_UP then return end
    rank = tonumber(rank)
    move(id, tags, HELD_UP + rank, rank)
    arrive({ id = id, tags = tags })
    dirty = true
  end
  local function let_in_from(kind, name, place)
    local from, to = '[' .. place, '(' .. kind .. '\\0' .. name .. '\\1'
    for _ = 1, LET_IN_AT_ONCE do
      local member = call('ZRANGEBYLEX', TASK_HELD_UP, from, to, 'LIMIT', 0, 1)[1]
      if not member then return end
      let_in(member)
      from = '[' .. string.match(member, '^%Z*%z%Z*%z%Z*') .. '\\1'
    end
    if call('ZRANGEBYLEX', TASK_HELD_UP, from, to, 'LIMIT', 0, 1)[1] then
      call('ZADD', TASK_HELD_UP, 0, 'f\\0' .. string.sub(from, 2))
    end
  end
  function let_in_all(kind, name)
    let_in_from(kind, name, kind .. '\\0' .. name .. '\\0')
  end
  function let_more_in()
    local member = call('ZRANGEBYLEX', TASK_HELD_UP, '[f\\0', '(f\\1', 'LIMIT', 0, 1)[1]
    if not member then return false end
    call('ZREM', TASK_HELD_UP, member)
    local place = string.sub(member, 3)
    local kind, name = string.match(place, '^(%Z*)%z(%Z*)%z')
    let_in_from(kind, name, place)
    return true
  end
  local function stop_starving(id)
    if call('ZREM', TASK_STARVING, id) == 1 then let_in_all('r', id) end
  end
  local function is_passable(kind, name)
    if kind == 'r' then return not call('ZSCORE', TASK_STARVING, name) end
    if kind ~= 'x' and kind ~= 's' then return true end
    for _, lease in ipairs(live_on(name)) do
      if kind == 's' or lease.mode == 'exclusive' then return false end
    end
    return true
  end
  function let_in_after(name)
    if task_held_up == 0 then return end
    if is_passable('x', name) then let_in_all('x', name) end
    if is_passable('s', name) then let_in_all('s', name) end
  end
  function let_in_behind(names)
    if task_held_up == 0 then return end
    for _, name in ipairs(names) do let_in_all('q', name) end
  end
  function leave_held_up(task, is_still_held_up)
    local since, holder = string.match(call('HGET', TASKS, task.id .. 'u') or '', '^(%d+)%z(.*)$')
    if not holder then return false end
    local group = holder .. '\\0' .. task.tags .. '\\0'
    call('HDEL', TASKS, task.id .. 'u')
    call('ZREM', TASK_HELD_UP, group .. by_rank(rank_of(task.priority, task.seq)) .. '\\0' .. task.id)
    task_held_up, dirty = task_held_up - 1, true
    if not is_still_held_up then stop_starving(task.id) end
    if is_passable(string.match(holder, '^(%Z*)%z(.*)$')) then
      local next = call('ZRANGEBYLEX', TASK_HELD_UP, '[' .. group, '(' .. string.sub(group, 1, -2) .. '\\1', 'LIMIT', 0, 1)[1]
      if next then let_in(next) end
    end
    return true
  end
  function hold_up(task, kind, name, by_claim)
    local rank, holder = rank_of(task.priority, task.seq), kind .. '\\0' .. name
    local since, old = string.match(call('HGET', TASKS, task.id .. 'u') or '', '^(%d+)%z(.*)$')
    since = tonumber(since or now)
    if old ~= holder then
      leave_held_up(task, true)
      call('HSET', TASKS, task.id .. 'u', int(since) .. '\\0' .. holder)
      call('ZADD', TASK_HELD_UP, 0, holder .. '\\0' .. task.tags .. '\\0' .. by_rank(rank) .. '\\0' .. task.id)
      task_held_up = task_held_up + 1
    end
    move(task.id, task.tags, rank, HELD_UP + rank)
    arrived[task.id], dirty = nil, true
    if not by_claim then
      stop_starving(task.id)
    elseif now - since >= STARVED_MS and call('ZCARD', TASK_STARVING) < STARVING_MOST then
      call('ZADD', TASK_STARVING, int(rank), task.id)
    end
  end
end
`,
  "task/largest": `local OLDER_KEPT = 99
local TASKS_SIZED = 500
local FIELDS, BYTES = 4000, 1048576
local below = ARGV[5] == '' and '+inf' or '(' .. ARGV[5]
local found = call('ZRANGE', TASK_CREATED, below, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, TASKS_SIZED, 'WITHSCORES')
local fields, read, most, largest, looked, next_before = 0, 0, -1, nil, 0, nil
local function length(field)
  fields = fields + 1
  return call('HSTRLEN', TASKS, field)
end
for i = 1, #found, 2 do
  local id = found[i]
  local work = length(id .. 'w')
  local bytes = length(id) + work + length(id .. 'r')
  if work > 0 then
    read = read + work
    local older = tonumber(string.match(call('HGET', TASKS, id .. 'w'), '"older":(%d+)') or 0)
    for n = math.max(1, older - OLDER_KEPT + 1), older do bytes = bytes + length(id .. 'a' .. n) end
  end
  looked = looked + 1
  if bytes > most then largest, most = id, bytes end
  if looked == TASKS_SIZED or fields >= FIELDS or read >= BYTES then
    next_before = found[i + 1]
    break
  end
end
if not largest then return '{"bytes":0,"looked":0}' end
return '{"id":"' .. largest .. '","bytes":' .. int(most) .. ',"looked":' .. looked ..
  (next_before and ',"next":' .. int(tonumber(next_before)) or '') .. '}'
`,
  "task/list": `local SORTED_AT_ONCE = 1000
local TASKS_LOOKED_AT = 500
local STATUS, TAGS, MATCH, HOLDER, BY = ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9]
local LIMIT, AFTER, BY_STAGE = tonumber(ARGV[10]), tonumber(ARGV[11]), ARGV[12] == 'claim'
local LOOK_BYTES, SHOW_BYTES, SCANS, CHUNK = 1048576, 131072, 2048, 64
local READ = math.min(LIMIT + 1, CHUNK)
local REGIONS = { scheduled = 2, blocked = 3, completed = 4, dead = 5, cancelled = 6 }
local ENDED = { completed = true, dead = true, cancelled = true }
local sources, BAND = {}, nil
local function carries(tags)
  local carried = ',' .. tags .. ','
  for tag in string.gmatch(TAGS, '[^,]+') do
    local has = string.find(carried, ',' .. tag .. ',', 1, true) ~= nil
    if has == (MATCH == 'any') then return has end
  end
  return MATCH == 'all'
end
local function open(read)
  sources[#sources + 1] = { at = 1, ids = {}, seqs = {}, read = read }
end
local function open_range(base)
  local from, to = base + AFTER + 1, base + PRIORITY - 1
  open(function(ids, seqs)
    local rows = call('ZRANGEBYSCORE', TASK_ORDER, from, to, 'WITHSCORES', 'LIMIT', 0, READ)
    for i = 1, #rows, 2 do
      ids[#ids + 1], seqs[#seqs + 1] = rows[i], rows[i + 1] - base
    end
    if #rows > 0 then from = '(' .. rows[#rows] end
    return #rows == READ * 2
  end)
end
local function open_tagged(tag, base)
  local skip = #tag + 2
  local from = '[' .. tag .. string.format('\\0%016.0f', base + AFTER + 1)
  local to = '(' .. tag .. string.format('\\0%016.0f', base + PRIORITY)
  open(function(ids, seqs)
    local members = call('ZRANGEBYLEX', TASK_TAGS, from, to, 'LIMIT', 0, READ)
    for i, member in ipairs(members) do
      ids[i], seqs[i] = string.sub(member, skip + 17), tonumber(string.sub(member, skip, skip + 15)) - base
    end
    if #members > 0 then from = '(' .. members[#members] end
    return #members == READ
  end)
end
local function sorted(ids)
  local rows = {}
  for first = 1, #ids, CHUNK do
    local fields, last = {}, math.min(first + CHUNK - 1, #ids)
    for i = first, last do fields[i - first + 1] = ids[i] .. 'w' end
    local scores = call('ZMSCORE', TASK_ORDER, unpack(ids, first, last))
    for i, record in ipairs(call('HMGET', TASKS, unpack(fields))) do
      local score = tonumber(scores[i])
      local seq = score < REGION and tonumber(string.match(record, '"seq":(%d+)')) or score % REGION
      rows[#rows + 1] = { id = ids[first + i - 1], seq = seq }
    end
  end
  table.sort(rows, function(a, b) return a.seq < b.seq end)
  return rows
end
local function open_created()
  local from = '(' .. int(AFTER)
  open(function(ids, seqs)
    local rows = call('ZRANGEBYSCORE', TASK_CREATED, from, '+inf', 'WITHSCORES', 'LIMIT', 0, READ)
    for i = 1, #rows, 2 do
      ids[#ids + 1], seqs[#seqs + 1] = rows[i], tonumber(rows[i + 1])
    end
    if #rows > 0 then from = '(' .. rows[#rows] end
    return #rows == READ * 2
  end)
end
local MANY_CHANGED = now >= task_floor and
  (call('ZCOUNT', TASK_ORDER, 0, now) > SORTED_AT_ONCE or call('ZCOUNT', TASK_LATER, '(0', now) > SORTED_AT_ONCE)
local scanned, stalled = 0, nil
local function open_among_all(changed)
  local from = AFTER
  open(function(ids, seqs)
    local rows = call('ZRANGEBYSCORE', TASK_CREATED, '(' .. int(from), '+inf', 'WITHSCORES', 'LIMIT', 0, 256)
    if #rows == 0 then return false end
    local all, places = {}, {}
    for i = 1, #rows, 2 do all[#all + 1], places[#places + 1] = rows[i], tonumber(rows[i + 1]) end
    local later = changed and call('ZMSCORE', TASK_LATER, unpack(all)) or {}
    for i, score in ipairs(call('ZMSCORE', TASK_ORDER, unpack(all))) do
      local place, due = tonumber(score), tonumber(later[i] or HUGE)
      local due_now = due > 0 and due <= now
      if changed and (place <= now or due_now) or not changed and place < REGION then
        ids[#ids + 1], seqs[#seqs + 1] = all[i], places[i]
      end
    end
    from, scanned = places[#places], scanned + #all
    if scanned >= SCANS then
      stalled = from
      return false
    end
    return #all == 256
  end)
end
local function open_rows(rows)
  open(function(ids, seqs)
    for _, row in ipairs(rows) do
      if row.seq > AFTER then ids[#ids + 1], seqs[#seqs + 1] = row.id, row.seq end
    end
  end)
end
local lapsed, due
local function open_lapsed()
  lapsed = lapsed or sorted(call('ZRANGEBYSCORE', TASK_ORDER, 0, now))
  open_rows(lapsed)
end
local function open_due()
  due = due or sorted(call('ZRANGEBYSCORE', TASK_LATER, '(0', now))
  open_rows(due)
end
local function open_queue()
  local tags, rarest, fewest = {}, nil, HUGE
  for tag in string.gmatch(TAGS, '[^,]+') do
    local count = call('ZLEXCOUNT', TASK_TAGS, '[' .. tag .. '\\0', '(' .. tag .. '\\1')
    if count < fewest then rarest, fewest = tag, count end
    tags[#tags + 1] = tag
  end
  if MATCH == 'all' then tags = { rarest } end
  for band = BAND or 0, BAND or 9 do
    for _, base in ipairs(task_held_up > 0 and { 0, HELD_UP } or { 0 }) do
      if TAGS == '' then open_range(REGION + base + band * PRIORITY) end
      for _, tag in ipairs(TAGS == '' and {} or tags) do open_tagged(tag, base + band * PRIORITY) end
    end
  end
end
local function open_sources()
  sources = {}
  if AFTER >= PRIORITY - 1 then return end
  if HOLDER ~= '' then
    local from, to = '[' .. HOLDER .. '\\0t', '(' .. HOLDER .. '\\0u'
    if call('ZLEXCOUNT', HELD, from, to) > SORTED_AT_ONCE then
      open_among_all()
    else
      local ids = call('ZRANGEBYLEX', HELD, from, to)
      for i, member in ipairs(ids) do ids[i] = string.sub(member, #HOLDER + 3) end
      open_rows(sorted(ids))
    end
  elseif STATUS == '' then
    open_created()
  elseif STATUS == 'claimed' then
    if call('ZCOUNT', TASK_ORDER, 0, '(' .. int(REGION)) > SORTED_AT_ONCE then
      open_among_all()
    else
      open_rows(sorted(call('ZRANGEBYSCORE', TASK_ORDER, 0, '(' .. int(REGION))))
    end
  elseif MANY_CHANGED and (STATUS == 'pending' or STATUS == 'dead' or STATUS == 'ended') then
    open_among_all(true)
  elseif STATUS == 'pending' or STATUS == 'dead' or STATUS == 'ended' then
    open_lapsed()
    if STATUS == 'pending' then open_due() end
  end
  if HOLDER == '' then
    if STATUS == 'pending' then open_queue() end
    for status, region in pairs(REGIONS) do
      if STATUS == status or STATUS == 'ended' and ENDED[status] then open_range(region * REGION) end
    end
  end
end
local last
local function next_id()
  local best
  for _, source in ipairs(sources) do
    while source.seqs[source.at] and source.seqs[source.at] <= last do source.at = source.at + 1 end
    while source.read and not source.seqs[source.at] do
      source.at, source.ids, source.seqs = 1, {}, {}
      if not source.read(source.ids, source.seqs) then source.read = nil end
      while source.seqs[source.at] and source.seqs[source.at] <= last do source.at = source.at + 1 end
    end
    if source.seqs[source.at] and (not best or source.seqs[source.at] < best.seqs[best.at]) then best = source end
  end
  if best and not (stalled and best.seqs[best.at] > stalled) then return best.ids[best.at], best.seqs[best.at] end
end
local looked_bytes = 0
local function specified(id)
  if TAGS == '' and BY == '' then return true end
  local spec = call('HGET', TASKS, id)
  looked_bytes = looked_bytes + #spec
  local tags, by = string.match(spec, '^%[%d+,%d,%d+,%d+,"([^"]*)","%a",%d+,%w+,%d+,"([^"]*)"')
  return (BY == '' or by == BY) and (TAGS == '' or carries(tags))
end
local function stands(task)
  local work = task.work
  if STATUS == 'ended' then return ENDED[work.status] end
  if STATUS ~= '' and work.status ~= STATUS or BAND and task.priority ~= 9 - BAND then return false end
  return HOLDER == '' or work.status == 'claimed' and work.worker == HOLDER
end
local shown, shown_bytes, looks, go_on = {}, 0, 0, nil
local function show_all(base)
  open_sources()
  last = AFTER
  while true do
    local id, seq = next_id()
    if not id then
      if stalled then go_on = base + stalled end
      return
    end
    if looks == TASKS_LOOKED_AT or looked_bytes > LOOK_BYTES or shown_bytes > SHOW_BYTES then
      go_on = base + last
      return
    end
    looks = looks + 1
    if specified(id) then
      local task = find(id)
      expire(task)
      if stands(task) then
        if #shown == LIMIT then
          go_on = base + last
          return
        end
        local text = show(task)
        shown[#shown + 1] = text
        shown_bytes = shown_bytes + #text
      end
    end
    last = seq
  end
end
if MANY_CHANGED and ARGV[13] ~= '1' then return '' end
if BY_STAGE then
  local asked, first = STATUS, math.floor(AFTER / PRIORITY)
  local stages = { [0] = 'claimed', [11] = 'blocked', [12] = 'scheduled', [13] = 'ended' }
  for stage = first, HOLDER == '' and 13 or 0 do
    local status = stages[stage] or 'pending'
    if status == 'ended' and ENDED[asked] then status = asked end
    if asked == '' or asked == status then
      STATUS, BAND = status, status == 'pending' and stage - 1 or nil
      AFTER = stage == first and AFTER % PRIORITY or 0
      show_all(stage * PRIORITY)
      if go_on then break end
    end
  end
else
  show_all(0)
end
local answer = '{"tasks":[' .. table.concat(shown, ',') .. ']'
return answer .. (go_on and ',"next":' .. int(go_on) or '') .. '}'
`,
  "task/paths": `local paths_of, obstacle, lock_paths, renew_paths, unlock_paths, sweep_held_up
do
  function paths_of(task)
    if task.paths ~= nil then return task.paths end
    task.paths = false
    if not string.find(task.spec, '"paths":', 1, true) then return false end
    local line = string.match(task.spec, '\\n{?"paths":([^\\n]*)')
    local paths = line and cjson.decode(string.sub(line, 1, string.sub(line, -1) == ',' and -2 or -3)) or {}
    task.paths = #paths > 0 and paths
    return task.paths
  end
  local function names_wanted(wanted)
    return { wanted.path, unpack(wanted.aliases or {}) }
  end
  local function overlapping(names, name)
    for _, one in ipairs(names) do
      if covers(one, name) or covers(name, one) then return one end
    end
  end
  local function waiter_before(name, mode)
    for _, waiter in ipairs(waiters_on({ name })) do
      if has_precedence(waiter) and modes_conflict(waiter.mode, mode) then return waiter end
    end
  end
  local function starving_before(task, paths)
    if task_held_up == 0 then return end
    local starving = call('ZRANGE', TASK_STARVING, 0, -1, 'WITHSCORES')
    for i = 1, #starving, 2 do
      local is_before = tonumber(starving[i + 1]) < rank_of(task.priority, task.seq)
      for _, other in ipairs(is_before and paths_of(find(starving[i])) or {}) do
        for _, wanted in ipairs(paths) do
          local conflicts = modes_conflict(other.mode, wanted.mode)
          if conflicts and overlapping(names_wanted(other), wanted.path) then return starving[i] end
        end
      end
    end
  end
  function obstacle(task, paths)
    for _, wanted in ipairs(paths) do
      local function keeps_out(lease)
        return modes_conflict(lease.mode, wanted.mode)
      end
      local function harmless(record)
        return wanted.mode == 'shared' and not string.find(record, '"of":', 1, true) and
          not string.find(record, '"mode":"exclusive"', 1, true)
      end
      for _, name in ipairs(names_wanted(wanted)) do
        local lease = first_overlapping(name, keeps_out, harmless)
        if lease then
          local kept_on = overlapping({ lease.path, unpack(lease.also or {}) }, name)
          return lease.mode == 'exclusive' and 'x' or 's', kept_on, task_of(lease) ~= nil
        end
        local ahead = lock_waiters > 0 and waiter_before(name, wanted.mode)
        if ahead and not ahead.called then
          call_waiters({ name })
          ahead = waiter_before(name, wanted.mode)
        end
        if ahead then return 'q', overlapping(ahead.paths, name), false end
      end
    end
    local starving = starving_before(task, paths)
    if starving then return 'r', starving, true end
  end
  function lock_paths(task, paths)
    local work, title = task.work, string.match(task.spec, '^[^\\n]*\\n([^\\n]*),\\n')
    local intent, locks = cjson.decode('[' .. title .. ']')[1], {}
    for i, wanted in ipairs(paths) do
      grant_lease({ path = wanted.path, holder = work.worker, fence = work.fence, mode = wanted.mode, intent = intent,
        ttl = work.lease, at = now, due = task.due, also = wanted.aliases, more = { task = task.id } })
      locks[i] = wanted.path
    end
    work.locks = locks
  end
  local function leases_of(locks, work)
    local leases = {}
    for _, path in ipairs(locks) do leases[#leases + 1] = lease_at(path .. '\\0' .. int(work.fence)) end
    return leases
  end
  function renew_paths(locks, work)
    for _, lease in ipairs(leases_of(locks, work)) do extend(lease, work.lease) end
  end
  function unlock_paths(locks, work)
    local type = work.outcome == 'expired' and 'lock.expired' or 'lock.released'
    end_leases(leases_of(locks, work), type, work.worker)
  end
  local function let_in_behind_silent()
    local from = '[q\\0'
    for _ = 1, 2 do
      local member = call('ZRANGEBYLEX', TASK_HELD_UP, from, '(q\\1', 'LIMIT', 0, 1)[1]
      if not member then return end
      local name = string.match(member, '^q%z(%Z*)')
      local ahead = false
      for _, waiter in ipairs(waiters_on({ name })) do ahead = ahead or has_precedence(waiter) end
      if not ahead then let_in_all('q', name) end
      from = '[q\\0' .. name .. '\\1'
    end
  end
  function sweep_held_up()
    if task_held_up == 0 then return false end
    sweep_expired()
    let_in_behind_silent()
    return let_more_in() or now >= lock_floor
  end
end
`,
  "task/prune": `local ATTEMPTS_PRUNED_AT_ONCE = 2000
local BEFORE, AFTER, LIMIT, DRY = now - ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[9] == '1'
local regions = { completed = 4, dead = 5, cancelled = 6 }
local pruned, left, attempts, next_after = 0, LIMIT, 0, nil
for _, status in ipairs({ 'completed', 'dead', 'cancelled' }) do
  local base = regions[status] * REGION
  if not next_after and string.find(',' .. ARGV[5] .. ',', ',' .. status .. ',', 1, true) and AFTER < base + REGION - 1 then
    local count, from = 0, math.max(AFTER, base)
    local rows = call('ZRANGEBYSCORE', TASK_ORDER, '(' .. int(from), '(' .. int(base + REGION), 'WITHSCORES', 'LIMIT', 0, left)
    local reached, looked = false, 0
    for i = 1, #rows, 2 do
      looked = looked + 1
      local task = find(rows[i])
      if tonumber(task.created) >= BEFORE then
        reached = true
        break
      end
      local work = task.work
      if math.max(work.ended or 0, work.updated or 0) < BEFORE and not is_needed(task.id) then
        if not DRY then attempts = attempts + remove(task) end
        count = count + 1
      end
      if attempts >= ATTEMPTS_PRUNED_AT_ONCE then
        next_after = rows[i + 1]
        break
      end
    end
    left, pruned = left - looked, pruned + count
    if left == 0 and not next_after then next_after = reached and base + REGION - 1 or rows[#rows] end
    if count > 0 and not DRY then
      emit('task.pruned', status, ACTOR, '{"count":' .. count .. ',"olderThanMs":' .. ARGV[6] .. '}')
      dirty = true
    end
  end
end
local answer = '{"pruned":' .. pruned .. (next_after and ',"next":' .. int(tonumber(next_after)) or '') .. '}'
return finish(answer, true)
`,
  "task/queue": `local SWEEPS_OF_A_CLAIM = 8
local TAGGED_LOOKED_AT = 4096
local CANDIDATES_LOOKED_AT = 64
local claim, claimed_before
do
  local CHUNK = 256
  local function tagged(tag, from, count)
    return call('ZRANGEBYLEX', TASK_TAGS, '[' .. tag .. '\\0' .. from, '(' .. tag .. HELD_UP_FROM, 'LIMIT', 0, count)
  end
  local function heads_of_any(tags, count)
    local heads, seen = {}, {}
    for _, tag in ipairs(tags) do
      for _, member in ipairs(tagged(tag, '', count)) do
        local head = string.sub(member, #tag + 2)
        if not seen[head] then heads[#heads + 1] = head end
        seen[head] = true
      end
    end
    table.sort(heads)
    local ids = {}
    for i = 1, math.min(count, #heads) do ids[i] = string.sub(heads[i], 18) end
    return ids
  end
  local function sharing(tags, members)
    local heads = {}
    for i, member in ipairs(members) do heads[i] = string.sub(member, #tags[1] + 2) end
    for i = 2, #tags do
      if #heads == 0 then break end
      local sought, kept = {}, {}
      for n, head in ipairs(heads) do sought[n] = tags[i] .. '\\0' .. head end
      for n, score in ipairs(call('ZMSCORE', TASK_TAGS, unpack(sought))) do
        if score then kept[#kept + 1] = heads[n] end
      end
      heads = kept
    end
    return heads
  end
  local function heads_of_all(tags, count, place)
    local fewest = HUGE
    for i, tag in ipairs(tags) do
      local members = call('ZLEXCOUNT', TASK_TAGS, '[' .. tag .. '\\0', '(' .. tag .. HELD_UP_FROM)
      if members < fewest then fewest, tags[1], tags[i] = members, tag, tags[1] end
    end
    local ids, first = {}, place == '' and '' or place .. '\\0'
    for _ = 1, TAGGED_LOOKED_AT / CHUNK do
      local members = tagged(tags[1], first, CHUNK)
      for _, head in ipairs(sharing(tags, members)) do
        ids[#ids + 1] = string.sub(head, 18)
        if #ids == count then return ids end
      end
      if #members < CHUNK then return ids end
      place = string.sub(members[CHUNK], #tags[1] + 2)
      first = place .. '\\0'
    end
    return ids, place
  end
  local function heads(tags, match, count, place)
    if tags == '' then
      return call('ZRANGEBYSCORE', TASK_ORDER, PENDING_FROM, PENDING_TO, 'LIMIT', '0', count)
    end
    local names = {}
    for tag in string.gmatch(tags, '[^,]+') do names[#names + 1] = tag end
    if match == 'any' or #names == 1 then return heads_of_any(names, count) end
    return heads_of_all(names, count, place)
  end
  local function add_taken(taken, task)
    local n = #taken
    taken[n + 1], taken[n + 2], taken[n + 3] = task.id, task.spec, with_handoff(task)
  end
  local function take(taken, task, asked, paths)
    local work = task.work
    put_aside(task)
    last_fence = last_fence + 1
    work.status, work.worker, work.fence, work.started = 'claimed', ACTOR, last_fence, now
    work.lease = asked ~= '' and tonumber(asked) or task.lease
    work.ended, work.outcome, work.error, work.progress, work.updated = nil, nil, nil, nil, nil
    work.spent = work.spent + 1
    work.more, work.seq = work.spent < task.max or nil, task.seq
    task.due = now + work.lease
    if paths then
      work.more = nil
      lock_paths(task, paths)
    end
    save(task, 'pending')
    emit('task.claimed', task.id, ACTOR, fence_data(int(last_fence)))
    add_taken(taken, task)
  end
  local function take_best(ids, count, next_best, asked)
    local taken, looked = {}, 0
    while true do
      local has_changed = false
      for _, id in ipairs(ids) do
        local task = find(id)
        local paths = paths_of(task)
        local kind, name, by_claim
        if paths then
          kind, name, by_claim = obstacle(task, paths)
          looked = looked + 1
        end
        if kind then hold_up(task, kind, name, by_claim) else take(taken, task, asked, paths) end
        has_changed = kind or paths and task_held_up > 0
        if has_changed then break end
      end
      local left = count - #taken / 3
      if not has_changed or left == 0 then return taken, false end
      if looked >= CANDIDATES_LOOKED_AT then return taken, #taken == 0 end
      ids = next_best(left)
    end
  end
  function claim(request, place)
    local count, match, asked, tags = string.match(request, '^(%d+)|(%a+)|(%d*)|(.*)$')
    if not count then count, match, asked, tags = 1, 'any', '', '' end
    count = tonumber(count)
    for sweeps = 1, SWEEPS_OF_A_CLAIM do
      local more, go_on = sweep(), nil
      local function best(number)
        local ids
        ids, go_on = heads(tags, match, number, place)
        return ids
      end
      local ids = best(count)
      if not more or #ids >= count or go_on or sweeps == SWEEPS_OF_A_CLAIM then
        local taken, too_many = take_best(ids, count, best, asked)
        if #taken > 0 then return taken end
        return nil, more, too_many and place or go_on
      end
    end
  end
  function claimed_before(done)
    local taken = {}
    for _, item in ipairs(done) do
      if item[1] == 'task.claimed' then
        local task = find(item[2])
        local same = task.work.worker == ACTOR and item[3] == fence_data(int(task.work.fence))
        if same and task.work.status == 'claimed' and task.due > now then add_taken(taken, task) end
      end
    end
    if #taken > 0 then return taken end
  end
end
`,
  "task/release": `local task, kind, other = held_task('released')
if not task then return refuse(kind, other) end
release(task, ARGV[8] == '1' and ARGV[9] or nil, tonumber(ARGV[7]))
wake_waiters()
return answer('done', task)
`,
  "task/release_tasks": `local function release_tasks(ids)
  local tasks = {}
  for i, id in ipairs(ids) do tasks[i] = find(id) end
  table.sort(tasks, function(a, b) return a.seq < b.seq end)
  local released = {}
  for _, task in ipairs(tasks) do
    if task.due <= now then
      expire_kept(task)
    else
      release(task)
      released[#released + 1] = task.id
    end
  end
  wake_waiters()
  return released
end
`,
  "task/removal": `local OLDER_KEPT = 99
local function is_needed(id)
  return task_links > 0 and #call('ZRANGEBYLEX', TASK_LINKS, '[' .. id .. '\\0', '(' .. id .. '\\1', 'LIMIT', 0, 1) > 0
end
local function remove(task)
  local id = task.id
  for need in string.gmatch(task.needs, '[^,]+') do
    task_links = task_links - call('ZREM', TASK_LINKS, need .. '\\0' .. id)
  end
  local key = call('HGET', TASKS, id .. 'k')
  if key then call('HDEL', TASK_KEYS, key) end
  local fields, older = { id, id .. 'w', id .. 'r', id .. 'k' }, task.work.older or 0
  for n = math.max(1, older - OLDER_KEPT + 1), older do fields[#fields + 1] = id .. 'a' .. n end
  call('HDEL', TASKS, unpack(fields))
  call('ZREM', TASK_ORDER, id)
  call('ZREM', TASK_CREATED, id)
  if task.work.status == 'completed' then call('ZREM', TASK_LATER, id) end
  return #fields - 4
end
`,
  "task/renew": `local LENGTH, NOTED, PROGRESS = ARGV[7], ARGV[8], ARGV[9]
local task, kind, other = held_task()
if not task then return refuse(kind, other) end
local work = task.work
if LENGTH ~= '' then work.lease = tonumber(LENGTH) end
if NOTED == '1' then work.progress = PROGRESS end
task.due, work.updated = math.max(task.due, now + work.lease), now
save(task, 'claimed')
return answer('done', task)
`,
  "task/retry": `local task = chosen_task()
if not task then return finish('{"kind":"unknown"}') end
local work, from = task.work, task.work.status
if replayed('task.retried', task.id) then return answer('done', task) end
if from ~= 'dead' and from ~= 'cancelled' then return answer('refused', task) end
wait(task, task.start)
work.spent, work.updated = 0, now
save(task, from)
emit('task.retried', task.id, ACTOR)
return answer('done', task)
`,
  "task/rows": `local parse, encode, find, end_attempt, expire, wait, show_with, show, replayed
do
  local SPEC = '^%[(%d+),(%d),(%d+),(%d+),"([^"]*)","(%a)",(%d+),(%w+),(%d+),"([^"]*)","([^"]*)",\\n'
  function parse(id, spec, record)
    if not spec then return end
    local seq, priority, lease, max, tags, kind, base, start, created, by, needs = string.match(spec, SPEC)
    if not seq then return end
    return {
      id = id,
      spec = spec,
      seq = tonumber(seq),
      priority = tonumber(priority),
      lease = tonumber(lease),
      max = tonumber(max),
      tags = tags,
      kind = kind,
      base = tonumber(base),
      start = tonumber(start),
      created = created,
      by = by,
      needs = needs,
      record = record,
      work = record and cjson.decode(record) or { status = 'pending', spent = 0 },
    }
  end
  function encode(work)
    local status, worker, number, more, seq = work.status, work.worker, work.fence, work.more, work.seq
    if not worker then return cjson.encode(work) end
    work.status, work.worker, work.fence, work.more, work.seq = nil, nil, nil, nil, nil
    local rest = cjson.encode(work)
    work.status, work.worker, work.fence, work.more, work.seq = status, worker, number, more, seq
    return work_text(status, worker, int(number), more, seq and int(seq), string.sub(rest, 2, -2))
  end
  local function look_due(task)
    local status = task.work.status
    if status == 'claimed' then
      task.due = tonumber(call('ZSCORE', TASK_ORDER, task.id))
    elseif status == 'scheduled' then
      task.due = tonumber(call('ZSCORE', TASK_LATER, task.id))
    end
  end
  function find(id)
    local kept = call('HMGET', TASKS, id, id .. 'w')
    local task = parse(id, kept[1], kept[2])
    if task then look_due(task) end
    return task
  end
  function end_attempt(task, outcome, at, why)
    local work = task.work
    task.due, task.record = nil, nil
    work.more, work.seq = nil, nil
    work.ended, work.outcome, work.error = at, outcome, why
  end
  function expire(task)
    if not task.due or task.due > now then return false end
    local work = task.work
    if work.status == 'claimed' then
      end_attempt(task, 'expired', task.due)
      work.status = work.spent < task.max and 'pending' or 'dead'
    else
      work.status = 'pending'
      task.due, task.record = nil, nil
    end
    return true
  end
  function wait(task, start)
    local work = task.work
    local waiting = (work.waits or 0) > 0
    local later = not waiting and start and start > now
    work.status = waiting and 'blocked' or later and 'scheduled' or 'pending'
    task.due, task.record = later and start or nil, nil
  end
  local function blocked_reason(task)
    local needs = {}
    for id in string.gmatch(task.needs, '[^,]+') do needs[#needs + 1] = id end
    local first, why
    for i, score in ipairs(call('ZMSCORE', TASK_ORDER, unpack(needs))) do
      local place = tonumber(score)
      if place <= now or place >= 5 * REGION then
        local other = find(needs[i])
        expire(other)
        local status = other.work.status
        if (status == 'dead' or status == 'cancelled') and (not first or other.seq < first) then
          first, why = other.seq, '"depends on ' .. other.id .. ', which is ' .. status .. '"'
        end
      end
    end
    return why
  end
  function show_with(task, result)
    local text = '{"id":"' .. task.id .. '","s":' .. task.spec
    if task.record or task.work.worker or task.work.status ~= 'pending' or task.work.updated then
      text = text .. ',"w":' .. (task.record or encode(task.work))
    end
    if task.due then text = text .. ',"due":' .. int(task.due) end
    if result then text = text .. ',"r":' .. result end
    if task.work.status == 'blocked' then
      local why = blocked_reason(task)
      if why then text = text .. ',"why":' .. why end
    end
    return text .. '}'
  end
  function show(task)
    expire(task)
    return show_with(task, task.work.status == 'completed' and call('HGET', TASKS, task.id .. 'r'))
  end
  function replayed(type, id)
    if not is_retry then return false end
    for _, item in ipairs((replay())) do
      if item[1] == type and item[2] == id then return true end
    end
    return false
  end
end
`,
  "task/shown_claims": `local function text_at(json, first)
  local at = first + 1
  while true do
    local char
    at, char = string.match(json, '()(["\\\\])', at)
    if char == '"' then return string.sub(json, first, at) end
    at = at + 2
  end
end
local function shown_claims(ids)
  local tasks = {}
  for _, id in ipairs(live_in_set(TASK_ORDER, ids)) do
    local spec, work = unpack(call('HMGET', TASKS, id, id .. 'w'))
    local seq, title = string.match(spec, '^%[(%d+),[^\\n]*\\n()')
    tasks[#tasks + 1] = '{"id":"' .. id .. '","seq":' .. seq .. ',"title":' .. text_at(spec, title) ..
      ',"sinceMs":' .. string.match(work, '"started":(%d+)') .. '}'
  end
  return '[' .. table.concat(tasks, ',') .. ']'
end
`,
  "task/sweep": `local more, lapsed, telling = sweep()
wake_waiters()
return finish('{"lapsed":' .. list(lapsed) .. ',"more":' .. tostring(more) .. ',"telling":' .. tostring(telling) .. '}', true)
`,
  "task/take": `local UNBLOCKED_AT_ONCE = 256
local ALONE, at, conflicts = ARGV[5] == '1', 6, {}
local function argument()
  at = at + 1
  return ARGV[at - 1]
end
local function conflict(id, kind, more)
  conflicts[#conflicts + 1] = cjson.encode({ id, kind, more or '' })
end
local function changed_at(task)
  local work = task.work
  return math.max(tonumber(task.created), work.started or 0, work.ended or 0, work.updated or 0)
end
local function is_as_taken(task)
  return task.work.taken == changed_at(task)
end
local function is_theirs(task, status, known, first)
  local work = task.work
  if ALONE or is_as_taken(task) then return false end
  if work.fence and work.fence > first and not known[int(work.fence) .. work.worker] then return true end
  local ended = work.status == 'completed' or work.status == 'cancelled' or work.status == 'dead' and work.outcome ~= 'expired'
  return ended and work.status ~= status
end
local function keep_late(task, fence, text)
  local older = task.work.older or 0
  for n = older, math.max(1, older - OLDER_KEPT + 1), -1 do
    local field = task.id .. 'a' .. n
    if string.match(call('HGET', TASKS, field) or '', '"fence":(%d+)') == int(fence) then
      call('HSET', TASKS, field, text)
      return
    end
  end
  add_older(task, text)
  call('HSET', TASKS, task.id .. 'w', encode(task.work))
end
local function displace(task)
  local status = task.work.status
  if status == 'pending' then leave_queue(task) end
  if status == 'scheduled' or status == 'completed' then call('ZREM', TASK_LATER, task.id) end
  if status == 'claimed' then call('ZREM', HELD, task.work.worker .. '\\0t' .. task.id) end
end
local function settle(task)
  local id, work = task.id, task.work
  local status = work.status
  local paths = status == 'claimed' and paths_of(task)
  if paths then
    work.locks = {}
    for i, wanted in ipairs(paths) do work.locks[i] = wanted.path end
  end
  work.more = status == 'claimed' and not paths and work.spent < task.max or nil
  work.seq = status == 'claimed' and task.seq or nil
  work.taken = changed_at(task)
  last_fence = math.max(last_fence, work.fence or 0)
  call('HSET', TASKS, id, task.spec)
  if status == 'pending' and not work.worker and work.spent == 0 and work.taken == tonumber(task.created) then
    call('HDEL', TASKS, id .. 'w')
  else
    call('HSET', TASKS, id .. 'w', encode(work))
  end
  call('ZADD', TASK_ORDER, place_of(task), id)
  call('ZADD', TASK_CREATED, int(task.seq), id)
  if status == 'scheduled' then call('ZADD', TASK_LATER, task.due, id) end
  if status == 'claimed' then call('ZADD', HELD, 0, work.worker .. '\\0t' .. id) end
  if status == 'pending' then enter_queue(task) end
  if task.due then task_floor = math.min(task_floor, task.due) end
end
local function relink(task, waits)
  for need in string.gmatch(task.needs, '[^,]+') do
    task_links = task_links - call('ZREM', TASK_LINKS, need .. '\\0' .. task.id)
  end
  local open = 0
  for need in string.gmatch(waits, '[^,]+') do
    local other = find(need)
    if not other or other.work.status ~= 'completed' then
      add_link(need, task.id)
      open = open + 1
    end
  end
  return open
end
local function spec_text(seq, told, known, texts)
  local lease, kind, base = told.lease, told.kind, told.base
  if known then lease, kind, base = lease or known.lease, kind or known.kind, base or known.base end
  return '[' .. int(seq) .. ',' .. told.priority .. ',' .. int(lease or told.usual.lease) .. ',' .. int(told.max) .. ',"'
    .. told.tags .. '","' .. (kind or told.usual.kind) .. '",' .. int(base or told.usual.base) .. ','
    .. (told.start and int(told.start) or 'null') .. ',' .. int(told.created) .. ',"' .. told.by .. '","' .. told.needs
    .. '",\\n' .. texts .. ']'
end
local function take_key(id, key)
  if key == '' then return end
  local owner = call('HGET', TASK_KEYS, key)
  if owner and owner ~= id then return conflict(id, 'key', owner) end
  call('HSET', TASK_KEYS, key, id)
  call('HSET', TASKS, id .. 'k', key)
end
local function work_of(told, failure, progress)
  local work = { status = told.status, spent = told.spent, updated = told.updated }
  local newest = told.newest
  if newest then
    work.worker, work.fence, work.started, work.ended = newest.holder, newest.fence, newest.startedAtMs, newest.endedAtMs
    work.outcome, work.lease = newest.outcome, told.length
    if failure ~= '' then work.error = string.sub(failure, 2) end
    if progress ~= '' then work.progress = string.sub(progress, 2) end
  end
  return work
end
local function write_older(id, work, before, older, first)
  work.older = first + #older > 0 and first + #older or nil
  for n, text in ipairs(older) do call('HSET', TASKS, id .. 'a' .. int(first + n), text) end
  local kept_from = (work.older or 0) - OLDER_KEPT + 1
  for n = math.max(1, before - OLDER_KEPT + 1), kept_from - 1 do call('HDEL', TASKS, id .. 'a' .. n) end
end
local function take_task()
  local id, key, told, texts = argument(), argument(), cjson.decode(argument()), argument()
  local failure, progress, result = argument(), argument(), argument()
  local older, known, first = {}, {}, nil
  for n = 1, tonumber(argument()) do
    older[n] = argument()
    local holder, fence = string.match(older[n], '"holder":"([^"]*)","fence":(%d+)')
    known[fence .. holder], first = true, first or tonumber(fence)
  end
  local work = work_of(told, failure, progress)
  if work.fence then known[int(work.fence) .. work.worker], first = true, first or work.fence end
  local here = find(id)
  if here and is_theirs(here, told.status, known, first or 0) then
    local came = work.outcome == 'completed' and told.status == 'completed' or work.outcome == 'failed'
    if came then
      local more = told.status == 'completed' and result ~= '' and ',"result":' .. result or ''
      keep_late(here, work.fence, attempt_text(work, ',"late":true' .. more))
    end
    return conflict(id, came and 'late' or 'theirs', here.work.status)
  end
  local seq = here and here.seq
  if here then
    displace(here)
  else
    task_seq = task_seq + 1
    seq = task_seq
  end
  local task = parse(id, spec_text(seq, told, here, texts), nil)
  task.work = work
  write_older(id, work, here and here.work.older or 0, older, told.first)
  local open = relink(task, told.waits)
  work.waits = open > 0 and open or nil
  if work.status == 'blocked' then
    wait(task, task.start)
  elseif work.status == 'claimed' then
    task.due = now + told.left
  elseif work.status == 'scheduled' then
    task.due = told.due
  end
  take_key(id, key)
  if result ~= '' then call('HSET', TASKS, id .. 'r', result) else call('HDEL', TASKS, id .. 'r') end
  settle(task)
  if work.status == 'completed' and unblock(id, UNBLOCKED_AT_ONCE) then
    call('ZADD', TASK_LATER, 0, id)
    task_floor = 0
  end
end
local function take_away()
  local id, fence, status = argument(), tonumber(argument()), argument()
  local task = find(id)
  if not task then return end
  local work = task.work
  local is_held = work.status == 'claimed' and task.due > now and work.fence ~= fence
  if is_held and not ALONE and not is_as_taken(task) then
    return conflict(id, 'held', work.worker)
  end
  if status == 'completed' then
    while unblock(id, UNBLOCKED_AT_ONCE) do end
  elseif is_needed(id) then
    return conflict(id, 'needed')
  end
  displace(task)
  remove(task)
end
while at <= #ARGV do
  if argument() == 'moved' then take_task() else take_away() end
end
dirty = true
wake_waiters()
return finish(keep_conflicts('task', conflicts))
`,
  "task/to_2": `local CHUNK = 16
local function with_details(spec)
  local before, payload = string.match(spec, '^([^\\n]*\\n[^\\n]*,\\n[^\\n]*),\\n(.*)%]$')
  if payload then return before .. ',\\n{"payload":' .. payload .. '}]' end
  return string.sub(spec, 1, -2) .. ',\\n{}]'
end
local function change_specs(place)
  local rows = call('ZRANGEBYSCORE', TASK_CREATED, '(' .. string.format('%.0f', place), '+inf', 'WITHSCORES', 'LIMIT',
    0, RECORDS)
  local fields, bytes, after = {}, 0, nil
  for first = 1, #rows, 2 * CHUNK do
    local ids = {}
    for i = first, math.min(first + 2 * CHUNK, #rows + 1) - 1, 2 do ids[#ids + 1] = rows[i] end
    for i, spec in ipairs(call('HMGET', TASKS, unpack(ids))) do
      if spec then
        fields[#fields + 1], fields[#fields + 2] = ids[i], with_details(spec)
        bytes = bytes + #spec
      end
    end
    after = tonumber(rows[first + 2 * #ids - 1])
    if bytes > BYTES then break end
  end
  if fields[1] then call('HSET', TASKS, unpack(fields)) end
  return after
end
local function of_40(identifier)
  return #identifier == 40 and identifier or string.rep('0', 40)
end
local function rename_keys()
  local reported = call('HGETALL', AGENT_WORDS)
  for first = 1, #reported, 1000 do
    call('HSET', AGENT_REPORTED, unpack(reported, first, math.min(first + 999, #reported)))
  end
  call('DEL', AGENT_WORDS, LOCK_WAITERS, LOCK_LINE, TASK_WAITERS, TASK_LINE)
end
local function renew_state(before)
  local run, history = struct.unpack('ss', before, 121)
  rename_keys()
  local none = string.rep('\\0', 8)
  local numbers = string.sub(before, 1, 48) .. none .. string.sub(before, 57, 72) .. none .. string.sub(before, 81, 120)
  return of_40(run) .. of_40(history) .. numbers
end
return migrate(change_specs, renew_state)
`,
  "task/update": `local task = chosen_task()
if not task then return finish('{"kind":"unknown"}') end
if replayed('task.updated', task.id) then return answer('done', task) end
local work, from = task.work, task.work.status
if from ~= 'scheduled' and from ~= 'blocked' and from ~= 'pending' then return answer('refused', task) end
local function given(at, old)
  return ARGV[at] ~= '' and ARGV[at] or old
end
local title, description, details = string.match(task.spec, '^[^\\n]*\\n([^\\n]*),\\n([^\\n]*),\\n{(.*)}%]$')
local members, places = {}, {}
for line in string.gmatch(details .. (ARGV[16] ~= '' and '\\n' .. ARGV[16] or ''), '[^\\n]+') do
  local name = string.match(line, '^"([^"]*)":')
  places[name] = places[name] or #members + 1
  members[places[name]] = string.sub(line, -1) == ',' and string.sub(line, 1, -2) or line
end
local start = given(13, task.start and int(task.start) or 'null')
if from == 'pending' then leave_queue(task) end
local tags = ARGV[10] ~= '' and string.sub(ARGV[10], 2) or task.tags
local spec = '[' .. int(task.seq) .. ',' .. given(7, task.priority) .. ',' .. given(8, task.lease) .. ','
  .. given(9, task.max) .. ',"' .. tags .. '","' .. given(11, task.kind) .. '",' .. given(12, task.base)
  .. ',' .. start .. ',' .. task.created .. ',"' .. task.by .. '","' .. task.needs .. '",\\n'
  .. given(14, title) .. ',\\n' .. given(15, description) .. ',\\n{' .. table.concat(members, ',\\n') .. '}]'
call('HSET', TASKS, task.id, spec)
local due = task.due
task = parse(task.id, spec, encode(work))
task.due, task.work.updated = due, now
if from == 'pending' then enter_queue(task) end
if ARGV[13] ~= '' then wait(task, task.start) end
save(task, from)
emit('task.updated', task.id, ACTOR, '{"fields":' .. ARGV[6] .. '}')
return answer('done', task)
`,
  "task/waiters": `local TASK_WAITERS_LOOKED_AT = 256
local TASK_WAITER_SILENCE_MS = 60000
local arrived, arrivals = {}, {}
local function arrive(task)
  if not arrived[task.id] then arrivals[#arrivals + 1] = task end
  arrived[task.id] = true
end
local function dequeue_waiter(waiter)
  if task_waiters == 0 or call('ZREM', TASK_WAIT_QUEUE, waiter) == 0 then return end
  call('HDEL', TASK_WAITERS, waiter)
  task_waiters, dirty = task_waiters - 1, true
end
local function enqueue_waiter(waiter, waker, request)
  call('HSET', TASK_WAITERS, waiter, int(now) .. '\\0' .. waker .. '\\0' .. request)
  if call('ZSCORE', TASK_WAIT_QUEUE, waiter) then return end
  local last = call('ZREVRANGE', TASK_WAIT_QUEUE, 0, 0, 'WITHSCORES')
  call('ZADD', TASK_WAIT_QUEUE, (last[2] or 0) + 1, waiter)
  task_waiters, dirty = task_waiters + 1, true
end
local function wake_waiters()
  local came, there = arrivals, arrived
  arrived, arrivals = {}, {}
  if #came == 0 or task_waiters == 0 then return end
  local waiting = {}
  for page = 0, HUGE do
    local ids = call('ZRANGE', TASK_WAIT_QUEUE, page * TASK_WAITERS_LOOKED_AT, (page + 1) * TASK_WAITERS_LOOKED_AT - 1)
    if #ids == 0 then break end
    for i, text in ipairs(call('HMGET', TASK_WAITERS, unpack(ids))) do
      local seen, waker, request = string.match(text, '^(%d+)%z(%Z*)%z(%Z*)')
      local match, tags = string.match(request, '^%d+|(%a+)|%d*|(.*)$')
      waiting[#waiting + 1] = { id = ids[i], seen = tonumber(seen), waker = waker, match = match, tags = tags or '' }
    end
    if now - waiting[#waiting].seen <= TASK_WAITER_SILENCE_MS then break end
  end
  for i = #waiting, 1, -1 do
    if now - waiting[i].seen > TASK_WAITER_SILENCE_MS then dequeue_waiter(table.remove(waiting, i).id) end
  end
  local function wants(waiter, task)
    if waiter.tags == '' then return true end
    local carried = ',' .. task.tags .. ','
    for tag in string.gmatch(waiter.tags, '[^,]+') do
      local has = string.find(carried, ',' .. tag .. ',', 1, true) ~= nil
      if has == (waiter.match == 'any') then return has end
    end
    return waiter.match == 'all'
  end
  local function wake_for(task)
    local place = 1
    while waiting[place] do
      local waiter = waiting[place]
      if wants(waiter, task) then
        table.remove(waiting, place)
        dequeue_waiter(waiter.id)
        if wake(waiter.waker) then return end
      else
        place = place + 1
      end
    end
  end
  for _, task in ipairs(came) do
    if #waiting == 0 then return end
    if there[task.id] then
      there[task.id] = nil
      wake_for(task)
    end
  end
end
`,
} as const;

/** Name of a Lua file, such as `lock/rows`. */
export type LuaName = keyof typeof LUA;

/** What a script is put together from, besides its own file and what every script has. */
export interface ScriptParts {
  /** Names of its keys, besides the common ones. */
  readonly keys: readonly string[];
  /** Files that it shares with others, in order. */
  readonly parts: readonly LuaName[];
  /** Files of its fast path, in order; they stand before everything that they do not need. */
  readonly fast?: readonly LuaName[];
  /** Whether it runs on a server whose memory is full. */
  readonly frees?: true;
  /** Locals that it sets for the files it needs. */
  readonly lets?: readonly string[];
}

/** Keys that every script is given, in this order, before its own. */
export const COMMON_KEYS: readonly string[] = ["state", "events", "listeners", "agents", "seen", "held", "locks", "lock_due", "tasks", "task_order"];

/** Every script. */
export const SCRIPTS = {
  "agent/assign": { keys: ["agent_reported"], parts: ["engine/held", "lock/held", "task/held", "agent/rows"] },
  "agent/deregister": { keys: ["lock_paths", "task_wait_queue", "task_waiters", "task_held_up", "task_tags", "task_starving", "lock_waiters", "lock_wait_queue", "task_later", "agent_reported", "agents_left"], parts: ["engine/held", "lock/held", "task/held", "lock/names", "lock/format", "lock/rows", "task/waiters", "task/format", "task/held_up", "lock/wait_queue", "lock/end_leases", "task/rows", "lock/grant", "task/paths", "task/change", "task/release_tasks"], frees: true },
  "agent/explain": { keys: ["agent_reported", "lock_paths", "task_wait_queue", "task_waiters", "task_held_up", "task_tags", "task_starving", "lock_waiters", "lock_wait_queue"], parts: ["engine/held", "lock/held", "task/held", "agent/rows", "lock/names", "lock/format", "lock/rows", "task/waiters", "task/format", "task/held_up", "lock/wait_queue", "lock/end_leases", "task/shown_claims"] },
  "agent/heartbeat": { keys: ["agent_reported"], parts: ["engine/held", "lock/held", "task/held", "agent/rows"], frees: true },
  "agent/lapsing": { keys: [], parts: ["engine/held", "lock/held", "task/held"] },
  "agent/list": { keys: ["agent_reported"], parts: ["engine/held", "lock/held", "task/held", "agent/rows"] },
  "agent/mark_seen": { keys: [], parts: [], frees: true },
  "agent/prune": { keys: ["agent_reported", "agents_left"], parts: ["engine/held", "lock/held", "task/held", "agent/rows"], frees: true },
  "agent/register": { keys: ["agent_reported"], parts: ["engine/held", "lock/held", "task/held", "agent/rows"] },
  "agent/summary": { keys: ["agent_reported"], parts: [] },
  "agent/take": { keys: ["agent_reported", "agents_left"], parts: [] },
  "approval/count": { keys: ["approvals", "approval_lists", "approval_due"], parts: ["approval/record"] },
  "approval/decide": { keys: ["approvals", "approval_lists", "approval_due"], parts: ["approval/record"], frees: true },
  "approval/get": { keys: ["approvals", "approval_lists", "approval_due"], parts: ["approval/record"] },
  "approval/list": { keys: ["approvals", "approval_lists", "approval_due"], parts: ["engine/shown", "approval/record"] },
  "approval/look": { keys: ["approvals", "approval_lists", "approval_due"], parts: ["approval/record"] },
  "approval/prune": { keys: ["approvals", "approval_lists", "approval_due", "approval_keys"], parts: ["approval/record"], frees: true },
  "approval/request": { keys: ["approvals", "approval_lists", "approval_due", "approval_keys"], parts: ["approval/record"] },
  "approval/take": { keys: ["approvals", "approval_lists", "approval_due", "conflicts", "approval_keys"], parts: ["approval/record", "engine/conflicts"] },
  "approval/use": { keys: ["approvals", "approval_lists", "approval_due"], parts: ["approval/record"], frees: true },
  "audit/chain": { keys: ["audit", "audit_ids", "audit_keys", "audit_by"], parts: ["audit/append"] },
  "audit/follow": { keys: ["audit", "audit_ids", "audit_keys", "audit_by"], parts: ["audit/append"] },
  "audit/list": { keys: ["audit", "audit_ids", "audit_keys", "audit_by"], parts: ["audit/append"] },
  "audit/log": { keys: ["audit", "audit_ids", "audit_keys", "audit_by"], parts: ["audit/append"] },
  "audit/take": { keys: ["audit", "audit_ids", "audit_keys", "audit_by", "conflicts"], parts: ["audit/append", "engine/conflicts"] },
  "board/ack": { keys: ["threads", "board_ids", "messages", "inbox_cursors", "thread_parts", "inbox", "board_lists"], parts: ["board/thread", "agent/registered", "board/unread"], frees: true },
  "board/addressed": { keys: ["threads", "board_ids", "messages", "inbox"], parts: ["engine/shown", "board/thread", "board/messages"] },
  "board/count": { keys: ["board_lists"], parts: [] },
  "board/get": { keys: ["threads", "board_ids", "messages"], parts: ["board/thread"] },
  "board/inbox": { keys: ["threads", "board_ids", "messages", "inbox_cursors", "thread_parts", "inbox", "board_lists", "inbox_waiters"], parts: ["board/thread", "agent/registered", "board/unread", "engine/shown", "board/messages"], frees: true },
  "board/inbox_rest": { keys: ["threads", "board_ids", "messages"], parts: ["engine/shown", "board/thread", "board/messages"] },
  "board/largest": { keys: ["threads", "board_ids", "messages", "board_lists", "thread_parts"], parts: ["board/thread"] },
  "board/list": { keys: ["threads", "board_ids", "messages", "board_removing", "board_lists"], parts: ["engine/shown", "board/thread", "board/lookup"] },
  "board/post": { keys: ["threads", "board_ids", "messages", "board_lists", "board_words", "thread_parts", "inbox", "inbox_waiters"], parts: ["board/thread", "board/filing", "event/notify_all", "board/delivery"] },
  "board/prunable": { keys: ["threads", "board_ids", "messages", "board_lists", "board_removing", "thread_parts"], parts: ["board/thread"], frees: true },
  "board/prune": { keys: ["threads", "board_ids", "messages", "board_lists", "board_removing", "board_words", "thread_parts", "inbox"], parts: ["board/thread", "board/filing", "board/hiding"], frees: true },
  "board/reply": { keys: ["threads", "board_ids", "messages", "board_lists", "board_words", "thread_parts", "inbox", "inbox_waiters"], parts: ["board/thread", "board/filing", "event/notify_all", "board/delivery"] },
  "board/resolve": { keys: ["threads", "board_ids", "messages", "board_lists"], parts: ["board/thread", "board/filing"], frees: true },
  "board/search": { keys: ["threads", "board_ids", "messages", "board_removing", "board_words"], parts: ["engine/shown", "board/thread", "board/lookup"] },
  "board/show": { keys: ["threads", "board_ids", "messages", "thread_parts"], parts: ["engine/shown", "board/thread"] },
  "board/take": { keys: ["threads", "board_ids", "messages", "board_lists", "board_words", "thread_parts", "inbox", "inbox_waiters", "board_removing", "inbox_cursors", "conflicts"], parts: ["board/thread", "board/filing", "event/notify_all", "board/delivery", "board/hiding", "agent/registered", "board/unread", "engine/conflicts"] },
  "engine/conflicts_kept": { keys: ["conflicts"], parts: [] },
  "engine/raise": { keys: ["conflicts"], parts: [] },
  "engine/sites": { keys: ["sites"], parts: [] },
  "event/end": { keys: [], parts: [] },
  "event/read": { keys: [], parts: [] },
  "event/take": { keys: ["late_events", "replay_index"], parts: [] },
  "lock/abandon": { keys: ["lock_paths", "task_wait_queue", "task_waiters", "task_held_up", "task_tags", "task_starving", "lock_waiters", "lock_wait_queue"], parts: ["lock/names", "lock/format", "lock/rows", "task/waiters", "task/format", "task/held_up", "lock/wait_queue"], frees: true },
  "lock/acquire": { keys: ["lock_wait_queue", "lock_paths", "lock_waiters", "task_wait_queue", "task_waiters", "task_held_up", "task_tags", "task_starving"], parts: ["lock/rows", "lock/grant", "lock/selection", "task/waiters", "task/format", "task/held_up", "lock/wait_queue", "lock/end_leases"], fast: ["lock/names", "lock/first_waiter", "lock/format", "lock/acquire_fast"] },
  "lock/break": { keys: ["audit", "audit_ids", "audit_keys", "audit_by", "lock_paths", "task_wait_queue", "task_waiters", "task_held_up", "task_tags", "task_starving", "lock_waiters", "lock_wait_queue"], parts: ["audit/append", "lock/names", "lock/format", "lock/rows", "task/waiters", "task/format", "task/held_up", "lock/wait_queue", "lock/end_leases"], frees: true },
  "lock/check": { keys: ["lock_paths"], parts: ["lock/names", "lock/format", "lock/rows"] },
  "lock/count": { keys: [], parts: [] },
  "lock/list": { keys: ["lock_paths"], parts: ["lock/names", "lock/format", "lock/rows"] },
  "lock/list_held": { keys: ["lock_paths", "task_wait_queue", "task_waiters", "task_held_up", "task_tags", "task_starving", "lock_waiters", "lock_wait_queue"], parts: ["engine/held", "lock/names", "lock/format", "lock/rows", "task/waiters", "task/format", "task/held_up", "lock/wait_queue", "lock/end_leases"] },
  "lock/live": { keys: [], parts: [] },
  "lock/release": { keys: ["lock_wait_queue", "lock_waiters", "lock_paths", "task_wait_queue", "task_waiters", "task_held_up", "task_tags", "task_starving"], parts: ["lock/rows", "lock/grant", "lock/selection", "task/waiters", "task/format", "task/held_up", "lock/wait_queue", "lock/end_leases"], fast: ["lock/names", "lock/first_waiter", "lock/format", "lock/release_fast"], frees: true },
  "lock/release_all": { keys: ["lock_paths", "task_wait_queue", "task_waiters", "task_held_up", "task_tags", "task_starving", "lock_waiters", "lock_wait_queue"], parts: ["engine/held", "lock/names", "lock/format", "lock/rows", "task/waiters", "task/format", "task/held_up", "lock/wait_queue", "lock/end_leases"], frees: true },
  "lock/renew": { keys: ["lock_paths"], parts: ["lock/names", "lock/format", "lock/rows", "lock/grant", "lock/selection"], frees: true },
  "lock/take": { keys: ["lock_paths", "task_wait_queue", "task_waiters", "task_held_up", "task_tags", "task_starving", "lock_waiters", "lock_wait_queue", "conflicts"], parts: ["lock/names", "lock/format", "lock/rows", "task/waiters", "task/format", "task/held_up", "lock/wait_queue", "lock/end_leases", "engine/conflicts"] },
  "task/abandon": { keys: ["task_wait_queue", "task_waiters"], parts: ["task/waiters"], frees: true },
  "task/cancel": { keys: ["task_wait_queue", "task_waiters", "task_later", "lock_paths", "task_held_up", "task_tags", "task_starving", "lock_waiters", "lock_wait_queue"], parts: ["task/waiters", "task/format", "task/rows", "lock/names", "lock/format", "lock/rows", "task/held_up", "lock/wait_queue", "lock/end_leases", "lock/grant", "task/paths", "task/change", "task/choice"], frees: true },
  "task/claim": { keys: ["task_tags", "task_wait_queue", "task_waiters", "task_later", "lock_paths", "task_held_up", "task_starving", "lock_waiters", "lock_wait_queue", "task_links"], parts: ["task/waiters", "task/rows", "lock/names", "lock/format", "lock/rows", "task/held_up", "lock/wait_queue", "lock/end_leases", "lock/grant", "task/paths", "task/change", "task/dependencies", "task/expire", "task/attempts", "task/queue"], fast: ["task/format", "task/fast"], frees: true, lets: ["COMPLETES = false"] },
  "task/complete": { keys: ["task_tags", "task_wait_queue", "task_waiters", "task_later", "lock_paths", "task_held_up", "task_starving", "lock_waiters", "lock_wait_queue", "task_links"], parts: ["task/waiters", "task/rows", "lock/names", "lock/format", "lock/rows", "task/held_up", "lock/wait_queue", "lock/end_leases", "lock/grant", "task/paths", "task/change", "task/dependencies", "task/expire", "task/attempts", "task/queue"], fast: ["task/format", "task/fast"], frees: true, lets: ["COMPLETES = true"] },
  "task/counts": { keys: ["task_later"], parts: ["task/format", "task/rows"] },
  "task/create": { keys: ["task_wait_queue", "task_waiters", "task_later", "lock_paths", "task_held_up", "task_tags", "task_starving", "lock_waiters", "lock_wait_queue", "task_links", "task_keys", "task_created"], parts: ["task/waiters", "task/format", "task/rows", "lock/names", "lock/format", "lock/rows", "task/held_up", "lock/wait_queue", "lock/end_leases", "lock/grant", "task/paths", "task/change", "task/dependencies"] },
  "task/fail": { keys: ["task_later", "task_wait_queue", "task_waiters", "lock_paths", "task_held_up", "task_tags", "task_starving", "lock_waiters", "lock_wait_queue"], parts: ["task/format", "task/rows", "task/held_task", "task/waiters", "lock/names", "lock/format", "lock/rows", "task/held_up", "lock/wait_queue", "lock/end_leases", "lock/grant", "task/paths", "task/change"], frees: true },
  "task/get": { keys: ["task_later"], parts: ["task/format", "task/rows"] },
  "task/largest": { keys: ["task_created"], parts: [] },
  "task/list": { keys: ["task_later", "task_tags", "task_created"], parts: ["task/format", "task/rows"] },
  "task/prune": { keys: ["task_later", "task_links", "task_keys", "task_created"], parts: ["task/format", "task/rows", "task/removal"], frees: true },
  "task/release": { keys: ["task_later", "task_wait_queue", "task_waiters", "lock_paths", "task_held_up", "task_tags", "task_starving", "lock_waiters", "lock_wait_queue"], parts: ["task/format", "task/rows", "task/held_task", "task/waiters", "lock/names", "lock/format", "lock/rows", "task/held_up", "lock/wait_queue", "lock/end_leases", "lock/grant", "task/paths", "task/change"], frees: true },
  "task/renew": { keys: ["task_later", "task_wait_queue", "task_waiters", "lock_paths", "task_held_up", "task_tags", "task_starving", "lock_waiters", "lock_wait_queue"], parts: ["task/format", "task/rows", "task/held_task", "task/waiters", "lock/names", "lock/format", "lock/rows", "task/held_up", "lock/wait_queue", "lock/end_leases", "lock/grant", "task/paths", "task/change"], frees: true },
  "task/retry": { keys: ["task_wait_queue", "task_waiters", "task_later", "lock_paths", "task_held_up", "task_tags", "task_starving", "lock_waiters", "lock_wait_queue"], parts: ["task/waiters", "task/format", "task/rows", "lock/names", "lock/format", "lock/rows", "task/held_up", "lock/wait_queue", "lock/end_leases", "lock/grant", "task/paths", "task/change", "task/choice"], frees: true },
  "task/sweep": { keys: ["task_wait_queue", "task_waiters", "task_later", "lock_paths", "task_held_up", "task_tags", "task_starving", "lock_waiters", "lock_wait_queue", "task_links"], parts: ["task/waiters", "task/format", "task/rows", "lock/names", "lock/format", "lock/rows", "task/held_up", "lock/wait_queue", "lock/end_leases", "lock/grant", "task/paths", "task/change", "task/dependencies", "task/expire"], frees: true },
  "task/take": { keys: ["task_wait_queue", "task_waiters", "task_later", "lock_paths", "task_held_up", "task_tags", "task_starving", "lock_waiters", "lock_wait_queue", "task_links", "task_keys", "task_created", "conflicts"], parts: ["task/waiters", "task/format", "task/rows", "lock/names", "lock/format", "lock/rows", "task/held_up", "lock/wait_queue", "lock/end_leases", "lock/grant", "task/paths", "task/change", "task/dependencies", "task/attempts", "task/removal", "engine/conflicts"] },
  "task/to_2": { keys: ["task_created", "agent_words", "agent_reported", "lock_waiters", "lock_line", "task_waiters", "task_line"], parts: ["engine/migrate"] },
  "task/update": { keys: ["task_wait_queue", "task_waiters", "task_later", "lock_paths", "task_held_up", "task_tags", "task_starving", "lock_waiters", "lock_wait_queue"], parts: ["task/waiters", "task/format", "task/rows", "lock/names", "lock/format", "lock/rows", "task/held_up", "lock/wait_queue", "lock/end_leases", "lock/grant", "task/paths", "task/change", "task/choice"] },
} as const satisfies Readonly<Record<string, ScriptParts>>;

/** Name of a script, such as `lock/acquire`. */
export type ScriptName = keyof typeof SCRIPTS;
