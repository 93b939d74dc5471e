--[[ lock/renew: extends every selected lease, or none when one of them has ended.

NEEDS   lock/selection
FLAGS   frees
ARGV    5 fence or "", 6 ttl_ms, "" for each lease's own, 7.. paths
RETURN  {"renewed":[…]} | {"lost":[{path, current?}]} ]]
local held, lost = select_leases({ unpack(ARGV, 7) }, ARGV[5])
if #lost > 0 then return finish('{"lost":[' .. table.concat(lost, ',') .. ']}') end
for _, lease in ipairs(held) do extend(lease, tonumber(ARGV[6]) or lease.ttl) end
return finish('{"renewed":' .. show_all(held) .. '}')
