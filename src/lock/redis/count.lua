--[[ lock/count: how many leases are live.

RETURN  a number ]]
return call('ZCOUNT', LOCK_DUE, '(' .. int(now), '+inf')
