--[[ lock/format: what is written of a lease, the same on the fast paths and elsewhere: its record in LOCKS, and what
everybody sees of it. All of it is put together from texts, so that a script makes a text of each number once:
fence, ttl, at and due are such texts, intent is JSON. The fast path of release reads these fields in this order. ]]

-- What its record and what is seen of it have in common.
local function lease_fields(mode, holder, fence, intent)
  return '"mode":"' .. mode .. '","holder":"' .. holder .. '","fence":' .. fence .. ',"intent":' .. intent
end

-- Its record; more is JSON to add, or nil.
local function lease_record(fields, ttl, at, more)
  return '{' .. fields .. ',"ttl":' .. ttl .. ',"at":' .. at .. (more or '') .. '}'
end

-- What everybody sees of it, as JSON: cjson would mix the order up, and round fences of more than 14 digits.
local function lease_shown(path, fields, at, due, task)
  return '{"path":' .. cjson.encode(path) .. ',' .. fields .. ',"acquiredAtMs":' .. at .. ',"expiresAtMs":' .. due ..
    (task and ',"taskId":"' .. task .. '"}' or '}')
end

-- The data of the event about a lease that was granted.
local function granted_data(fence, mode)
  return fence_data(fence, '"mode":"' .. mode .. '"')
end
