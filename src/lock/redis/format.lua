--[[ lock/format: what is written of a lease, the same on the fast paths and elsewhere: its record in LOCKS, and what
everybody sees of it. A lease is {path, mode, holder, fence, intent, ttl, at, due, also?,
more?}, see lock/rows. ]]

-- What everybody sees of a lease, as JSON: cjson would mix the order up, and round fences of more than 14 digits.
local function shown(lease)
  return '{"path":' .. cjson.encode(lease.path) .. ',"mode":"' .. lease.mode .. '","holder":"' .. lease.holder ..
    '","fence":' .. int(lease.fence) .. ',"intent":' .. cjson.encode(lease.intent) .. ',"acquiredAtMs":' ..
    int(lease.at) .. ',"expiresAtMs":' .. int(lease.due) .. '}'
end

-- An entry as it is kept, with its fence exact.
local function kept(entry)
  local fence_of = '"fence":' .. int(entry.fence)
  if entry.of then return '{"of":' .. cjson.encode(entry.of) .. ',' .. fence_of .. '}' end
  local also = entry.also and ',"also":' .. cjson.encode(entry.also) or ''
  local more = entry.more and ',"more":' .. cjson.encode(entry.more) or ''
  return '{"holder":"' .. entry.holder .. '",' .. fence_of .. ',"mode":"' .. entry.mode .. '","intent":' ..
    cjson.encode(entry.intent) .. ',"ttl":' .. int(entry.ttl) .. ',"at":' .. int(entry.at) .. also .. more .. '}'
end

-- The data of the event about a lease that was granted.
local function granted_data(lease)
  return fence_data(int(lease.fence), '"mode":"' .. lease.mode .. '"')
end
