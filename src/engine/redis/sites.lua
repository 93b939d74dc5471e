--[[ engine/sites: notes that a site was here, and answers which others were. Told again it only gets a newer instant, so
that a repeated call needs no answer of the first.

KEYS    sites
KEEPS   sites: site -> when it was last here, by the store's clock in milliseconds
ARGV    5 site, "" for one who only asks, 6 how long one is remembered, 7 one to forget or "", 8 how many others the answer holds,
        9.. of sites that the teller knows: name, when each was last here
RETURN  {others: [{site, lastSeenMs}...], the newest first; nowMs} ]]
-- A server that has lost its memory has forgotten its sites, too.
for i = 9, #ARGV, 2 do call('ZADD', SITES, 'GT', ARGV[i + 1], ARGV[i]) end
if ARGV[7] ~= '' then call('ZREM', SITES, ARGV[7]) end
call('ZREMRANGEBYSCORE', SITES, '-inf', int(now - ARGV[6]))
if ARGV[5] ~= '' then call('ZADD', SITES, int(now), ARGV[5]) end
local seen, others = call('ZREVRANGE', SITES, 0, ARGV[8], 'WITHSCORES'), {}
for i = 1, #seen, 2 do
  if seen[i] ~= ARGV[5] and #others < tonumber(ARGV[8]) then
    others[#others + 1] = '{"site":' .. cjson.encode(seen[i]) .. ',"lastSeenMs":' .. seen[i + 1] .. '}'
  end
end
return finish('{"others":[' .. table.concat(others, ',') .. '],"nowMs":' .. int(now) .. '}')
