--[[ lock/check: what stands in the way of taking each of some paths; writes nothing.

NEEDS   lock/rows
ARGV    5 holder who asks, "" for nobody  6 mode  7.. paths, each with its other names behind it
RETURN  a JSON list: of each path the lease, null where there is none ]]
local HOLDER, MODE = ARGV[5], ARGV[6]

local function of_another(lease)
  return lease.holder ~= HOLDER and modes_conflict(lease.mode, MODE)
end

local function of_holder(lease)
  return lease.holder == HOLDER
end

local function may_be_any()
  return false
end

local function first_on(names, matches)
  for _, name in ipairs(names) do
    local lease = first_overlapping(name, matches, may_be_any)
    if lease then return lease end
  end
end

local found = {}
for i = 7, #ARGV do
  local names = names_of(ARGV[i])
  local lease = first_on(names, of_another) or HOLDER ~= '' and first_on(names, of_holder)
  found[i - 6] = lease and shown(lease) or 'null'
end
return '[' .. table.concat(found, ',') .. ']'
