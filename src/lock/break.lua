--[[ lock/break: ends every tenure on exactly this path, and has the audit log say who did it and why.

ARGV    5 path, 6 the event's reason as a JSON member, 7.. the audit draft, see audit/append
RETURN  [lease…] ]]
local leases = live_on(ARGV[5])
local answer = show_all(leases)
if #leases > 0 then append_audit(unpack(ARGV, 7)) end
end_leases(leases, 'lock.broken', ACTOR, ARGV[6])
return finish(answer, true)
