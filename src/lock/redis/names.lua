--[[ lock/names: the names under which a lock or a waiter on a path, or above it, is kept. The fast paths use it, too. ]]

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
