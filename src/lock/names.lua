--[[ lock/names: the names under which a lock or a waiter on a path, or on a directory above it, is kept; also for
the usual cases, which come before all other parts.

LOCK_WAITERS, LOCK_LINE  as in lock/line ]]
local SILENCE_MS = 5000

local function is_directory(path)
  return string.sub(path, -1) == '/'
end

-- A path, its twin with or without the slash, and the directories above it.
local function names_over(path)
  local names = { path, is_directory(path) and string.sub(path, 1, -2) or path .. '/' }
  if path == './' or path == '/' then return names end
  names[3] = string.sub(path, 1, 1) == '/' and '/' or './'
  local at = string.find(path, '/', 2, true)
  while at and at < #path do
    names[#names + 1] = string.sub(path, 1, at)
    at = string.find(path, '/', at + 1, true)
  end
  return names
end

-- The place of the first who waits for the path that these names are over, nil when nobody does; false when
-- somebody may wait for what is above it.
local function first_in_line(names)
  local first
  for i, name in ipairs(names) do
    local place = call('ZRANGEBYLEX', LOCK_LINE, '[' .. name .. '\0', '(' .. name .. '\1', 'LIMIT', '0', '1')[1]
    if place and i > 1 then return false end
    first = place or first
    if first and lock_waiters == 1 then break end
  end
  return first
end
