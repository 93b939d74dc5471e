--[[ audit/append: how entries are kept, and adding one at the end of the chain.

KEYS    audit, audit_ids, audit_keys, audit_by
RULES   engine/shown: LONG_SHOWN_AT_ONCE, LONG_SHOWN_AT_A_TIME, LONG_SHOWN_BYTES
AUDIT      a stream; an entry's id is <its number>-0; its fields are named as a table's columns would be
AUDIT_IDS  id -> number, of every entry taken in: their count is what the log should hold
AUDIT_KEYS idempotency key -> number
AUDIT_BY   members of score 0, which find numbers by agent, by type, by both, and by instant:
           agent NUL type NUL number, with either empty too, and @ instant number; all of 16 digits
KEEPS      numbers count from 1 without a gap; each link is SHA-1(link before, then content hash). ]]

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

-- The entry with this number, unless somebody has taken it away.
local function entry_at(number)
  local id = int(number) .. '-0'
  return call('XRANGE', AUDIT, id, id)[1]
end

-- The entries whose numbers these members of AUDIT_BY end with, as many as one answer may hold; then whether that
-- was not all.
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

-- The entries of a stretch of the stream, XRANGE or XREVRANGE, at most `most`: as entries_at.
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

-- The greatest number that the stream has seen, whether its entry is still there or not.
local function last_number_ever()
  local facts = call('XINFO', 'STREAM', AUDIT)
  for i = 1, #facts, 2 do
    if facts[i] == 'last-generated-id' then return tonumber(string.match(facts[i + 1], '^%d+')) end
  end
end

-- Adds an entry of this instant behind the last one, under an id and a key ("" for none) that no other has. Returns
-- it as the stream has it.
local function link_entry(at, id, agent, type, context, reason, refs, content_hash, key)
  local newest = call('XREVRANGE', AUDIT, '+', '-', 'COUNT', 1)[1]
  local link = redis.sha1hex((newest and audit_field(newest, 'link') or '') .. content_hash)
  local fields = { 'id', id, 'agent', agent, 'decision_type', type, 'context', context, 'reason', reason,
    'refs', refs, 'created_at_ms', int(at), 'content_hash', content_hash, 'link', link }
  local number = call('HLEN', AUDIT_IDS) + 1
  -- Whatever was added from outside is passed over, so that the log goes on and verifying shows it.
  local refused = redis.pcall('XADD', AUDIT, int(number) .. '-0', unpack(fields)).err
  if refused then
    -- Any other refusal, such as a full server's, comes again and is answered as it is.
    if string.find(refused, 'equal or smaller', 1, true) then number = last_number_ever() + 1 end
    call('XADD', AUDIT, int(number) .. '-0', unpack(fields))
  end
  call('HSET', AUDIT_IDS, id, int(number))
  if key ~= '' then call('HSET', AUDIT_KEYS, key, int(number)) end
  local place = digits16(number)
  call('ZADD', AUDIT_BY, 0, agent .. '\0\0' .. place, 0, '\0' .. type .. '\0' .. place,
    0, agent .. '\0' .. type .. '\0' .. place, 0, '@' .. digits16(at) .. place)
  return { int(number) .. '-0', fields }
end

-- Returns the entry as the stream has it: the one that is there already by this id or key ("" for none), or
-- the new one.
local function append_audit(id, agent, type, context, reason, refs, content_hash, key)
  local known = call('HGET', AUDIT_IDS, id) or key ~= '' and call('HGET', AUDIT_KEYS, key)
  local entry = known and entry_at(known)
  if entry then return entry end
  entry = link_entry(now, id, agent, type, context, reason, refs, content_hash, key)
  emit('audit.logged', id, agent, '{"decisionType":' .. cjson.encode(type) .. '}')
  notify('audit')
  return entry
end
