--[[ lock/selection: which leases a caller means.

NEEDS   lock/grant ]]

-- The actor's live leases on a path, else on its first other name that has any; under this fence unless it is ''. Those
-- of its tasks only if they are asked for: they begin and end with the claim.
local function own_leases(names, fence, of_tasks)
  local own = {}
  for _, name in ipairs(names) do
    for _, lease in ipairs(live_on(name)) do
      local is_meant = lease.holder == ACTOR and (of_tasks or not task_of(lease))
      if is_meant and (fence == '' or int(lease.fence) == fence) then own[#own + 1] = lease end
    end
    if #own > 0 then break end
  end
  return own
end

-- What is known of a path that the actor does not hold: who does, and which lease of its own covers it.
local function lost_lease(names)
  local current, covering
  for _, name in ipairs(names) do current = current or live_on(name)[1] end
  for _, name in ipairs(names) do
    for _, lease in ipairs(live_over(name)) do
      local above = lease.holder == ACTOR and not (current and lease.path == current.path)
      if above and not covering then covering = shown(lease) end
    end
  end
  return '{"path":' .. cjson.encode(names[1]) .. (current and ',"current":' .. shown(current) or '') ..
    (covering and ',"covering":' .. covering or '') .. '}'
end

-- The actor's live leases on these paths, under this fence unless it is '', and where it has none such.
local function select_leases(paths, fence)
  local held, lost = {}, {}
  for _, given in ipairs(paths) do
    local names = names_of(given)
    local own = own_leases(names, fence)
    for _, lease in ipairs(own) do held[#held + 1] = lease end
    if #own == 0 then lost[#lost + 1] = lost_lease(names) end
  end
  return held, lost
end
