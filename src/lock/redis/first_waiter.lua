--[[ lock/first_waiter: what the fast paths look up of the names below a path, and of those who wait for it.

NEEDS   lock/names
KEYS    lock_wait_queue
LOCK_WAIT_QUEUE  as in lock/wait_queue ]]

-- Whether a set sorted by name has a member that begins with a path below this one, which is not the top.
local function any_below(set, path)
  -- '0' is the character after '/': the range holds exactly what starts with the path and a slash.
  return call('ZRANGEBYLEX', set, '[' .. path .. '/', '(' .. path .. '0', 'LIMIT', '0', '1')[1] ~= nil
end

-- The place of the first who waits for the path that these names are over, nil when nobody does; false when
-- somebody waits for what is above or below it.
local function first_waiter(names)
  local first
  for i, name in ipairs(names) do
    local place = call('ZRANGEBYLEX', LOCK_WAIT_QUEUE, '[' .. name .. '\0', '(' .. name .. '\1', 'LIMIT', '0', '1')[1]
    if place and i > 1 then return false end
    first = place or first
    if first and lock_waiters == 1 then return first end
  end
  if any_below(LOCK_WAIT_QUEUE, names[1]) then return false end
  return first
end
