--[[ board/count: how many threads have each status.

KEYS    board_lists
RETURN  {"active":…,"waiting":…,"resolved":…} ]]
local function count(status)
  local first = '\0' .. status .. '\0'
  -- ':' is the character after '9': the range holds every number.
  return call('ZLEXCOUNT', BOARD_LISTS, '[' .. first, '(' .. first .. ':')
end
return cjson.encode({ active = count('active'), waiting = count('waiting'), resolved = count('resolved') })
