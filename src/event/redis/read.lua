--[[ event/read: the events after a place, oldest first.

ARGV    5 from: "" for the oldest kept, an instant, or <instant>-<number> of the event before the first wanted
        6 1 when from is a cursor to be checked  7 limit  8 type, "" for any
        9 waker to wake at the next one when nothing is found, "" for none
RETURN  {'read', instant, number, more, and of each event instant, number, type, agent NUL data NUL subject}
        the first two are where to go on; more is 1 when that is not the end and limit is not reached; an event's instant is
        negative when it was moved here, or behind those that were, see event/take
        {'trimmed' | 'unknown', instant, number of the oldest event kept}; both "" when there is none
KEEPS   a reader sees every event after its cursor, or learns that it cannot. ]]
local FROM, CHECKED, LIMIT, TYPE, WAKER = ARGV[5], ARGV[6] == '1', tonumber(ARGV[7]), ARGV[8], ARGV[9]
-- Entries read at a time, fewer while they are long; and how many events, and bytes, one operation looks at.
local CHUNK, FEW = 128, 8
local MOST_LOOKED_AT, MOST_BYTES, CHUNK_BYTES = 512, 524288, 262144

-- How many events an entry holds; its answer and the call that it belongs to are none.
local function count_events(fields)
  local count = #fields / 2
  for i = #fields - 1, 1, -2 do
    if fields[i] ~= 'o' and fields[i] ~= 'r' then break end
    count = count - 1
  end
  return count
end

-- Whether it was moved here from another store, or behind such.
local function is_moved(fields)
  for i = #fields - 1, #fields - 3, -2 do
    if fields[i] == 'o' then
      return string.sub(fields[i + 1], 1, 5) == 'told ' or string.sub(fields[i + 1], -7) == 'moved=0'
    end
  end
  return false
end

-- The instant of an entry, and the numbers of its first and last event; nothing when there is no entry.
local function extent(entry)
  if not entry then return end
  local at, last = string.match(entry[1], '^(%d+)-(%d+)$')
  last = tonumber(last)
  return tonumber(at), last - count_events(entry[2]) + 1, last
end

local newest_at, _, newest = extent(call('XREVRANGE', EVENTS, '+', '-', 'COUNT', 1)[1])

-- Whether the oldest events may have been trimmed.
local function is_full()
  return call('XLEN', EVENTS) >= tonumber(EVENTS_KEPT)
end

-- Whether the number, known to be kept or never used, belongs at this instant.
local function is_at(at, number)
  local after_at, after_first = extent(call('XRANGE', EVENTS, FROM, '+', 'COUNT', 1)[1])
  if after_at and number >= after_first then return after_at == at end
  local _, _, before = extent(call('XREVRANGE', EVENTS, '(' .. FROM, '-', 'COUNT', 1)[1])
  if not before then return is_full() end
  return before < number
end

local function refuse()
  local oldest_at, oldest = extent(call('XRANGE', EVENTS, '-', '+', 'COUNT', 1)[1])
  local at, number = string.match(FROM, '^(%d+)-(%d+)$')
  at, number = tonumber(at), tonumber(number)
  local kind
  -- Numbers have gaps, so one before the oldest means nothing by itself; but only a full stream is trimmed.
  if oldest and number + 1 < oldest and is_full() then
    kind = 'trimmed'
  elseif number > 0 and (not newest or number > last_event or not is_at(at, number)) then
    kind = 'unknown'
  end
  return kind and { kind, oldest_at or '', oldest or '' }
end

if CHECKED then
  local refusal = refuse()
  if refusal then return finish(refusal) end
end

-- The first entry wanted may begin with events that are not.
local start, passed = '-', 0
if FROM ~= '' then
  local number = string.match(FROM, '^%d+-(%d+)$')
  if number ~= '0' then start, passed = (number and '(' or '') .. FROM, tonumber(number or 0) end
end

-- Ends the operation: at these the reader goes on.
local reply = { 'read', 0, 0, 0 }
local function answer(at, number, more)
  reply[2], reply[3], reply[4] = at, number, more
  return finish(reply)
end

local size, bytes, looked = TYPE == '' and math.min(LIMIT, FEW) or FEW, 0, 0
repeat
  local before = bytes
  local entries = call('XRANGE', EVENTS, start, '+', 'COUNT', size)
  local at, first, last
  for _, entry in ipairs(entries) do
    at, first, last = extent(entry)
    looked = looked + last - first + 1
    local shown_at = is_moved(entry[2]) and -at or at
    -- Its answer is kept for a repeated call, and was read with it.
    for i = 2, #entry[2], 2 do bytes = bytes + #entry[2][i] end
    for number = math.max(first, passed + 1), last do
      local field = (number - first) * 2 + 1
      if TYPE == '' or entry[2][field] == TYPE then
        local count = #reply
        reply[count + 1], reply[count + 2] = shown_at, number
        reply[count + 3], reply[count + 4] = entry[2][field], entry[2][field + 1]
        if count == LIMIT * 4 then return answer(at, number, 0) end
      end
    end
    start = '(' .. entry[1]
  end
  local ended = #entries < size
  if not ended and (looked >= MOST_LOOKED_AT or bytes >= MOST_BYTES) then return answer(at, last, 1) end
  if bytes - before < CHUNK_BYTES / 2 then size = math.min(size * 2, CHUNK) end
  if bytes - before > CHUNK_BYTES then size = FEW end
until ended
if WAKER ~= '' and #reply == 4 then listen('events', WAKER) end
return answer(newest_at or now, newest or 0, 0)
