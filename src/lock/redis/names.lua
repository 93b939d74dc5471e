--[[ lock/names: the names under which a lock or a waiter on a path, or above it, is kept. The fast paths use it, too.

LOCK_WAITERS, LOCK_WAIT_QUEUE  as in lock/wait_queue

KEYS    lock_wait_queue ]]

-- A path and the names above it, the nearest first.
local function names_over(path)
  local top = string.sub(path, 1, 1) == '/' and '/' or '.'
  local names, at = { path }, string.match(path, '^(.+)/[^/]*$')
  while at do
    names[#names + 1] = at
    at = string.match(at, '^(.+)/[^/]*$')
  end
  if path ~= top then names[#names + 1] = top end
  return names
end

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
