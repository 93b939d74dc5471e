--[[ audit/follow: the next entries that match, oldest first.

NEEDS   audit/append
KEYS    audit_ids, audit_by, audit
ARGV    5 agent, 6 type, "" for any  7 id of the entry to start after, "" for the beginning  8 limit
        9 waker to wake at the next one when nothing is found, "" for none
RETURN  {id of the newest entry of all or "", entry…}, with the id of the last one instead if the answer had no
        room for all that was found; nothing when there is no such id; an entry is {stream id, {field, value…}} ]]
local AGENT, TYPE, AFTER, LIMIT, WAKER = unpack(ARGV, 5, 9)
local first = 1
if AFTER ~= '' then
  local number = call('HGET', AUDIT_IDS, AFTER)
  if not number then return finish(false) end
  first = number + 1
end

local entries, cut
if AGENT == '' and TYPE == '' then
  entries, cut = entries_from('XRANGE', int(first), '+', tonumber(LIMIT))
else
  local group = AGENT .. '\0' .. TYPE .. '\0'
  entries, cut = entries_at(call('ZRANGEBYLEX', AUDIT_BY, '[' .. group .. digits16(first), '(' .. group .. 'A',
    'LIMIT', 0, LIMIT))
end
if WAKER ~= '' and #entries == 0 then listen('audit', WAKER) end

local newest = cut and entries[#entries] or call('XREVRANGE', AUDIT, '+', '-', 'COUNT', 1)[1]
table.insert(entries, 1, newest and audit_field(newest, 'id') or '')
return finish(entries)
