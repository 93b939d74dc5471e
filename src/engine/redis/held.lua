--[[ engine/held: what an agent holds, in any room; a portion per operation: the server serves nobody else meanwhile.

HELD   members of score 0: name NUL kind member; the kind of a lease on a lock is l, of a claimed task t. Each room
       keeps its own members, and for each of them, in a set of its own, the instant at which it lapses ]]

-- Of the texts of what is held, about as much as one operation reads.
local HELD_BYTES = 2097152

-- At most `count` of what the agent holds, behind `from` ("" at first): leases on locks as path NUL fence, claimed
-- tasks by identifier, and where the next portion begins, "" after the last one. Ends early where the claimed tasks
-- are long, if `bytes_of` tells how long one is.
local function held_portion(name, from, count, bytes_of)
  local first = from == '' and '[' .. name .. '\0' or '(' .. name .. '\0' .. from
  local members = call('ZRANGEBYLEX', HELD, first, '(' .. name .. '\1', 'LIMIT', 0, count)
  local leases, tasks = {}, {}
  for _, member in ipairs(members) do
    local some = string.sub(member, #name + 2, #name + 2) == 'l' and leases or tasks
    some[#some + 1] = string.sub(member, #name + 3)
  end
  local bytes = 0
  for i = 1, bytes_of and #tasks - 1 or 0 do
    local id = tasks[i]
    bytes = bytes + bytes_of(id)
    if bytes > HELD_BYTES then return leases, { unpack(tasks, 1, i) }, 't' .. id end
  end
  return leases, tasks, #members == tonumber(count) and string.sub(members[#members], #name + 2) or ''
end

-- When each lapses, by this set; 0 for one that is not in it.
local function instants(set, members)
  if #members == 0 then return {} end
  local all = call('ZMSCORE', set, unpack(members))
  for i, due in ipairs(all) do all[i] = tonumber(due or 0) end
  return all
end

-- Those that are live by their instants in this set.
local function live_in_set(set, members)
  local live = {}
  for first = 1, #members, 1000 do
    local some = { unpack(members, first, math.min(first + 999, #members)) }
    for i, due in ipairs(instants(set, some)) do
      if due > now then live[#live + 1] = some[i] end
    end
  end
  return live
end

-- Sets later instants of those that are live, each by its own length from now; none gets an earlier one.
local function renew_in_set(set, members, lengths)
  local later = {}
  for i, due in ipairs(instants(set, members)) do
    local longer = due > now and lengths[i] and now + lengths[i] or 0
    if longer > due then later[#later + 1], later[#later + 2] = int(longer), members[i] end
  end
  if later[1] then call('ZADD', set, unpack(later)) end
end

-- Adds to a list those that lapse within a third of their length.
local function add_lapsing(lapsing, kind, set, members, lengths, subject_of)
  for i, due in ipairs(instants(set, members)) do
    if due > now and lengths[i] and (due - now) * 3 < lengths[i] then
      lapsing[#lapsing + 1] = { kind = kind, subject = subject_of(members[i]), lapsesInMs = due - now }
    end
  end
end

-- How many live ones of a kind the agent holds: all its members without those few that have lapsed and are not swept
-- yet. Where these are not few, each of its own is looked at.
local FEW = 100
local lapsed_in = {}
local function count_in_set(name, kind, set)
  local prefix, from, to = name .. '\0' .. kind, '[' .. name .. '\0' .. kind, '(' .. name .. '\0' .. kind .. '\255'
  local held = call('ZLEXCOUNT', HELD, from, to)
  if held == 0 then return 0 end
  local lapsed = lapsed_in[set] or call('ZRANGEBYSCORE', set, '-inf', int(now), 'LIMIT', 0, FEW)
  lapsed_in[set] = lapsed
  if #lapsed == 0 then return held end
  local members = {}
  if #lapsed < FEW then
    for i, member in ipairs(lapsed) do members[i] = prefix .. member end
    for _, score in ipairs(call('ZMSCORE', HELD, unpack(members))) do
      if score then held = held - 1 end
    end
    return held
  end
  for i, member in ipairs(call('ZRANGEBYLEX', HELD, from, to)) do members[i] = string.sub(member, #prefix + 1) end
  return #live_in_set(set, members)
end
