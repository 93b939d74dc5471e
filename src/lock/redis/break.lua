--[[ lock/break: ends every lease on exactly this path, and has the audit log say who did it and why.

NEEDS   audit/append, lock/end_leases
FLAGS   frees
ARGV    5 path with its other names, 6 the event's reason as a JSON member, 7.. the audit draft, see audit/append
RETURN  {"broken":[lease…],"covering":lease,"claimed":lease}: covering, if there is one, when there is nothing to break;
        claimed when nothing was broken because that lease is part of a task's claim ]]
local leases, covering = {}, nil
for _, name in ipairs(names_of(ARGV[5])) do
  if #leases == 0 then leases = live_on(name) end
  covering = covering or live_over(name)[1]
end
for _, lease in ipairs(leases) do
  if task_of(lease) then return finish('{"broken":[],"claimed":' .. shown(lease) .. '}') end
end
if #leases > 0 then covering = nil end
local answer = '{"broken":' .. show_all(leases) .. (covering and ',"covering":' .. shown(covering) or '') .. '}'
if #leases > 0 then append_audit(unpack(ARGV, 7)) end
end_leases(leases, 'lock.broken', ACTOR, ARGV[6])
wake_waiters()
return finish(answer, true)
