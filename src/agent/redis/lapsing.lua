--[[ agent/lapsing: which of an agent's leases need to be renewed: a few, of the first that it holds.

NEEDS   lock/held, task/held
ARGV    5 name, 6 how many of what it holds are looked at, 7 how many the answer holds
RETURN  [{kind: lock or task, subject, lapsesInMs}…]: live leases that lapse within a third of their length, the soonest
        first ]]
local leases, tasks = held_portion(ARGV[5], '', ARGV[6], claim_bytes)
local lapsing = {}
add_lapsing_leases(lapsing, leases)
add_lapsing_claims(lapsing, tasks)
table.sort(lapsing, function(a, b)
  if a.lapsesInMs ~= b.lapsesInMs then return a.lapsesInMs < b.lapsesInMs end
  if a.kind ~= b.kind then return a.kind < b.kind end
  return a.subject < b.subject
end)
return list({ unpack(lapsing, 1, tonumber(ARGV[7])) })
