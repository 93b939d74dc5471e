--[[ event/end: where the stream ends now.

RETURN  {instant, number} of the newest event; the number 0 when there is none. ]]
local newest = call('XREVRANGE', EVENTS, '+', '-', 'COUNT', 1)[1]
local at, number = string.match(newest and newest[1] or int(now) .. '-0', '^(%d+)-(%d+)$')
return { tonumber(at), tonumber(number) }
