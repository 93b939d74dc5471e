--[[ engine/conflicts: what could not be taken over as another store told it. It is kept here, in the same operation, until records
are moved anew: whoever goes on after one that died, or whose answer was lost, could not find it out again.

KEYS       conflicts
CONFLICTS  score: its number; member: the room's name, a space, what the room answers of it, as JSON
KEEPS      of one that is found again there is one; the first CONFLICTS_KEPT of all ]]
local CONFLICTS_KEPT = 1000

-- Keeps these of a room, each as JSON; answers them as a list.
local function keep_conflicts(room, found)
  for _, text in ipairs(found) do
    local count = call('ZCARD', CONFLICTS)
    if count < CONFLICTS_KEPT then call('ZADD', CONFLICTS, 'NX', count + 1, room .. ' ' .. text) end
  end
  return '[' .. table.concat(found, ',') .. ']'
end
