--[[ agent/lapsing: which of an agent's leases need to be renewed: a few, of the first that it holds.

NEEDS   engine/held
ARGV    5 name, 6 how many of what it holds are looked at, 7 how many are told of
RETURN  [{kind: lock or task, subject, lapsesInMs}…]: live leases that lapse within a third of their length, the soonest
        first ]]
local leases, tasks = held_portion(ARGV[5], '', ARGV[6])
local lapsing = {}

local function look(kind, set, members, lengths)
  for i, due in ipairs(instants(set, members)) do
    if due > now and lengths[i] and (due - now) * 3 < lengths[i] then
      local subject = kind == 'lock' and string.match(members[i], '^(.*)%z%d+$') or members[i]
      lapsing[#lapsing + 1] = { kind = kind, subject = subject, lapsesInMs = due - now }
    end
  end
end

look('lock', LOCK_DUE, leases, lock_lengths(leases))
look('task', TASK_ORDER, tasks, task_lengths(tasks))
table.sort(lapsing, function(a, b)
  if a.lapsesInMs ~= b.lapsesInMs then return a.lapsesInMs < b.lapsesInMs end
  if a.kind ~= b.kind then return a.kind < b.kind end
  return a.subject < b.subject
end)
return list({ unpack(lapsing, 1, tonumber(ARGV[7])) })
