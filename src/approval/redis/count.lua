--[[ approval/count: how many approvals have each status now.

NEEDS   approval/record
KEYS    approval_lists, approval_due
RETURN  {"pending":…,"approved":…,"rejected":…,"expired":…} ]]
local function written(status)
  local prefix = list_of('', status)
  return call('ZLEXCOUNT', APPROVAL_LISTS, '[' .. prefix, '(' .. prefix .. ':')
end

local lapsed = call('ZCOUNT', APPROVAL_DUE, '-inf', int(now))
return cjson.encode({
  pending = call('ZCARD', APPROVAL_DUE) - lapsed,
  approved = written('approved'),
  rejected = written('rejected'),
  expired = written('expired') + lapsed,
})
