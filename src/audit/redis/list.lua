--[[ audit/list: the newest entries that match, newest first.

NEEDS   audit/append
KEYS    audit_ids, audit_by
ARGV    5 agent, 6 type, "" for any  7 instant of the oldest wanted, "" for any  8 id of the entry that the
        page ends before, "" for none  9 limit  10 number that an earlier operation of the same page did
        not look below, or ""
RETURN  {1 if the answer had no room for all, or else 0, entry…}, nothing when there is no such id; an entry is
        {stream id, {field, value…}} ]]
local AGENT, TYPE, SINCE, BEFORE, LIMIT, BELOW = unpack(ARGV, 5, 10)
local first, last = 0, 9007199254740991
if BELOW ~= '' then
  last = tonumber(BELOW) - 1
elseif BEFORE ~= '' then
  last = tonumber(call('HGET', AUDIT_IDS, BEFORE) or 0) - 1
  if last < 0 then return false end
end
if SINCE ~= '' then
  local place = call('ZRANGEBYLEX', AUDIT_BY, '[@' .. digits16(SINCE), '(A', 'LIMIT', 0, 1)[1]
  if not place then return { 0 } end
  first = tonumber(string.sub(place, -16))
end
if first > last then return { 0 } end
local entries, cut
if AGENT == '' and TYPE == '' then
  entries, cut = entries_from('XREVRANGE', int(last), int(first), tonumber(LIMIT))
else
  local group = AGENT .. '\0' .. TYPE .. '\0'
  local from, to = '[' .. group .. digits16(first), '[' .. group .. digits16(last)
  entries, cut = entries_at(call('ZREVRANGEBYLEX', AUDIT_BY, to, from, 'LIMIT', 0, LIMIT))
end
table.insert(entries, 1, cut and 1 or 0)
return entries
