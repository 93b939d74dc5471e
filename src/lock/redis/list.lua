--[[ lock/list: live leases: those that cover one path, the nearest first, then those that cover its other
names; or of one holder, or all, by path.

NEEDS   lock/give_back, engine/held
KEYS    lock_paths
ARGV    5 path with its other names, or "", 6 holder or ""
RETURN  [lease…] ]]
if ARGV[5] ~= '' then
  local covering = {}
  for _, name in ipairs(names_of(ARGV[5])) do
    for _, lease in ipairs(live_over(name)) do covering[#covering + 1] = lease end
  end
  return show_all(covering)
end
if ARGV[6] ~= '' then return show_all(live_leases((held_portion(ARGV[6], '', -1)))) end
local leases = {}
local paths = call('ZRANGEBYLEX', LOCK_PATHS, '-', '+')
for first = 1, #paths, 1000 do
  local last = math.min(first + 999, #paths)
  for i, record in ipairs(call('HMGET', LOCKS, unpack(paths, first, last))) do
    local path = paths[first + i - 1]
    for _, lease in ipairs(live_in(path, record)) do
      if lease.path == path then leases[#leases + 1] = lease end
    end
  end
end
return show_all(leases)
