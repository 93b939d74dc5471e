--[[ lock/list: live leases: those that cover one path, the nearest first, then those that cover its other
names; or a portion of all, by path.

NEEDS   lock/rows
KEYS    lock_paths
ARGV    5 path with its other names, or ""  6 name to go on behind, "" at first  7 how many names are looked at
RETURN  {leases: [lease…], next: name to go on behind, "" after the last one} ]]
local FROM, PORTION = ARGV[6], tonumber(ARGV[7])
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
