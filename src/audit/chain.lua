--[[ audit/chain: a stretch of the log as it is stored; needs audit/append.

ARGV    5 where the stretch begins, as XRANGE takes it: behind a number whatever stands there is wanted, also
          what somebody has squeezed in before the next  6 limit
RETURN  {count of entries taken in, entry…}; an entry is {stream id, {field, value…}} ]]
local START, LIMIT = ARGV[5], tonumber(ARGV[6])
local entries = LIMIT > 0 and call('XRANGE', AUDIT, START, '+', 'COUNT', LIMIT) or {}
table.insert(entries, 1, call('HLEN', AUDIT_IDS))
return entries
