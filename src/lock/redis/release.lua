--[[ lock/release: ends every selected lease that still exists.

NEEDS   lock/selection, lock/end_leases
FAST    lock/release_fast
FLAGS   frees
ARGV    5 fence or "", 6.. paths
RETURN  {"released":[…],"lost":[{path, current?}]} ]]
local held, lost = select_leases({ unpack(ARGV, 6) }, ARGV[5])
local answer = '{"released":' .. show_all(held) .. ',"lost":[' .. table.concat(lost, ',') .. ']}'
end_leases(held, 'lock.released', ACTOR)
wake_waiters()
return finish(answer, true)
