--[[ audit/list: the newest entries that match, newest first; needs audit/append.

ARGV    5 agent, 6 type, "" for any  7 instant of the oldest wanted, "" for any  8 id of the entry that the
        page ends before, "" for none  9 limit
RETURN  {entry…}, nothing when there is no such id; an entry is {stream id, {field, value…}} ]]
local AGENT, TYPE, SINCE, BEFORE, LIMIT = unpack(ARGV, 5, 9)
local first, last = 0, 9007199254740991
if BEFORE ~= '' then
  last = tonumber(call('HGET', AUDIT_IDS, BEFORE) or 0) - 1
  if last < 0 then return false end
end
if SINCE ~= '' then
  local place = call('ZRANGEBYLEX', AUDIT_BY, '[@' .. digits16(SINCE), '(A', 'LIMIT', 0, 1)[1]
  if not place then return {} end
  first = tonumber(string.sub(place, -16))
end
if first > last then return {} end
if AGENT == '' and TYPE == '' then return call('XREVRANGE', AUDIT, int(last), int(first), 'COUNT', LIMIT) end

local group = AGENT .. '\0' .. TYPE .. '\0'
local from, to = '[' .. group .. digits16(first), '[' .. group .. digits16(last)
return entries_at(call('ZREVRANGEBYLEX', AUDIT_BY, to, from, 'LIMIT', 0, LIMIT))
