--[[ approval/count: how many approvals have each status now.

RETURN  {"pending":…,"approved":…,"rejected":…,"expired":…} ]]
local function written(status)
  local prefix = list_of('', status)
  return call('ZLEXCOUNT', LISTS, '[' .. prefix, '(' .. prefix .. ':')
end

local lapsed = call('ZCOUNT', DUE, '-inf', int(now))
return cjson.encode({
  pending = call('ZCARD', DUE) - lapsed,
  approved = written('approved'),
  rejected = written('rejected'),
  expired = written('expired') + lapsed,
})
