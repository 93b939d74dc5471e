--[[ audit/chain: a stretch of the log as it is stored; needs audit/append.

ARGV    5 the first number wanted, "" for whatever stands first  6 limit
RETURN  {count of entries taken in, entry…}; an entry is {stream id, {field, value…}} ]]
local FIRST, LIMIT = ARGV[5], tonumber(ARGV[6])
local entries = LIMIT > 0 and call('XRANGE', AUDIT, FIRST == '' and '-' or FIRST, '+', 'COUNT', LIMIT) or {}
table.insert(entries, 1, call('HLEN', AUDIT_IDS))
return entries
