--[[ lock/live: some of the leases that are live, in the order in which they lapse.

ARGV    5 how many come before them, 6 how many at most
RETURN  {path NUL fence...} ]]
return call('ZRANGEBYSCORE', LOCK_DUE, '(' .. int(now), '+inf', 'LIMIT', ARGV[5], ARGV[6])
