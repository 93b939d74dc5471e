--[[ lock/list: live leases: those that cover one path, the nearest first; or of one holder, or all, by path.

ARGV    5 path or "", 6 holder or ""
RETURN  [lease…] ]]
if ARGV[5] ~= '' then return show_all(live_over(ARGV[5])) end
if ARGV[6] ~= '' then return show_all(live_leases((held_portion(ARGV[6], '', -1)))) end
local leases = {}
local paths = call('ZRANGEBYLEX', LOCK_PATHS, '-', '+')
for first = 1, #paths, 1000 do
  local last = math.min(first + 999, #paths)
  for i, record in ipairs(call('HMGET', LOCKS, unpack(paths, first, last))) do
    for _, lease in ipairs(live_in(paths[first + i - 1], record)) do leases[#leases + 1] = lease end
  end
end
return show_all(leases)
