--[[ engine/migrate: what a script is made with that brings a namespace's data from one version to the next.

It does a bounded portion of the work each time it runs; whoever finds older data runs it until it is done. From the
first portion on the version is a half more, which no program works with: one that knows the old version takes it for a
newer one, and one that knows the new version goes on where the last portion ended, whoever made that. So nobody
writes what has been brought forward in the old form, and when a client dies or several work at once, each record is
still changed once.

ITS KEYS are those of every script, see engine/state
ARGV    1 version to bring forward, 2 how many records a portion has at most, 3 how many bytes about
STATE   under way: version + 0.5, where the next portion begins, the state as it was
RETURN  the version that the data have now, as text
KEEPS   all that a portion writes is worked out before the first write, and these cannot fail: a portion happens as a
        whole or not at all. ]]
local call = redis.call
local FROM, RECORDS, BYTES = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

-- Makes one portion. `change` brings records forward from a place on (a number, 0 at first) and answers the place to
-- go on at, nothing at the end; `renew` answers what follows the version in the new state, given the same of the old one.
local function migrate(change, renew)
  local raw = call('GET', STATE)
  if not raw then return tostring(FROM + 1) end
  local version, place, before = struct.unpack('>d', raw), 0, string.sub(raw, 9)
  if version == FROM + 0.5 then
    place, before = struct.unpack('>d', raw, 9), string.sub(raw, 25)
  elseif version ~= FROM then
    return tostring(version)
  end
  local after = change(place)
  if after then
    call('SET', STATE, struct.pack('>ddd', FROM + 0.5, after, FROM) .. before)
    return tostring(FROM + 0.5)
  end
  call('SET', STATE, struct.pack('>d', FROM + 1) .. renew(before))
  return tostring(FROM + 1)
end
