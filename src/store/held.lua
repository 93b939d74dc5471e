--[[ store/held: what an agent holds, a portion a step: the server serves nobody else meanwhile.

HELD  see agent/touch ]]

-- At most `count` of what the agent holds, behind `from` ("" at first): leases on locks as path NUL fence, claimed
-- tasks by identifier, and where the next portion begins, "" after the last one.
local function held_portion(name, from, count)
  local first = from == '' and '[' .. name .. '\0' or '(' .. name .. '\0' .. from
  local members = call('ZRANGEBYLEX', HELD, first, '(' .. name .. '\1', 'LIMIT', 0, count)
  local leases, tasks = {}, {}
  for _, member in ipairs(members) do
    local some = string.sub(member, #name + 2, #name + 2) == 'l' and leases or tasks
    some[#some + 1] = string.sub(member, #name + 3)
  end
  return leases, tasks, #members == tonumber(count) and string.sub(members[#members], #name + 2) or ''
end
