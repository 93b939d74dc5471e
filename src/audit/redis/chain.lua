--[[ audit/chain: a stretch of the log as it is stored.

NEEDS   audit/append
KEYS    audit_ids
ARGV    5 where the stretch begins, as XRANGE takes it: behind a number whatever stands there is wanted, also
          what somebody has squeezed in before the next  6 limit
RETURN  {count of entries taken in, the store's clock, 1 if others may follow or else 0, entry…}; an entry is
        {stream id, {field, value…}} ]]
local START, LIMIT = ARGV[5], tonumber(ARGV[6])
local entries, cut = entries_from('XRANGE', START, '+', LIMIT)
return { call('HLEN', AUDIT_IDS), now, (cut or #entries == LIMIT) and 1 or 0, unpack(entries) }
