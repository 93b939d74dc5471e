--[[ lock/list_held: live leases of one holder, a portion per operation.

NEEDS   engine/held, lock/end_leases
ARGV    5 holder, 6 leases in a portion, 7 where the portion begins, "" at first
RETURN  {leases: [lease…], next: where the next portion begins, "" after the last one} ]]
local leases, tasks, following = held_portion(ARGV[5], ARGV[7], ARGV[6])
-- Locks come before tasks.
if #tasks > 0 then following = '' end
return '{"leases":' .. show_all(live_leases(leases)) .. ',"next":' .. cjson.encode(following) .. '}'
