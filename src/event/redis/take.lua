--[[ event/take: takes events of another store over, each with its identifier. They are those that happened while nobody reached
this one, in order, a portion per operation. Calls may have been executed here meanwhile, or since: their events have to come
behind those that are told, with numbers of their own, since readers may have seen the told ones already.

KEYS    late_events, replay_index
ARGV    5 1 if these are the last, 6 the outage that they are of, then of each event: its instant, its number, its type, agent
        NUL data NUL subject
RETURN  1 if the same call is to be made again; 2 if all that was told is there, and the call is to be made again without any
        event, which puts more of those back that were taken out; 0 at the end
EVENTS  the entries of those that were taken over have o -> "told ", the outage; those that were put behind them and were not
        told themselves an owner "moved" of no event, the last one
LATE_EVENTS  score: number of an entry's last event; member: that number, a space, the entry's fields as a JSON list. Entries
        that were taken out of EVENTS because they come behind those that are told
KEEPS   an event is in EVENTS or in LATE_EVENTS: whoever is cut off makes the call again. One of the same type by the
        same agent about the same subject as a told one is taken to be of the same call, made again there, and is dropped;
        unless it was told of another outage, at another site that was away at the same time: that one stays, and comes behind as all others do. ]]
local LAST, FIELDS, MOST, TOLD, FIRST = ARGV[5] == '1', 4, 500, 'told ' .. ARGV[6], 7
-- What this call itself has to tell is of here, too.
if gap_event then emit_gap() end

local function newest_entry()
  return call('XREVRANGE', EVENTS, '+', '-', 'COUNT', 1)[1]
end

local function place_of(entry)
  local at, number = string.match(entry[1], '^(%d+)-(%d+)$')
  return tonumber(at), tonumber(number)
end

-- Lets the stream go on from its newest entry, although others behind it have been there, up to this one.
local function go_back(from)
  local newest = newest_entry()
  local id = newest and newest[1] or '0-1'
  if redis.pcall('XSETID', EVENTS, id).err then
    -- A newer server remembers the last one that was deleted; it has to be told another one first.
    call('XSETID', EVENTS, from, 'ENTRIESADDED', call('XLEN', EVENTS), 'MAXDELETEDID', '0-1')
    call('XSETID', EVENTS, id)
  end
end

local function is_told(fields)
  return fields[#fields - 1] == 'o' and fields[#fields] == TOLD
end

-- Whether it was told, of whatever outage.
local function is_of_outage(fields)
  return fields[#fields - 1] == 'o' and string.sub(fields[#fields], 1, 5) == 'told '
end

-- Whether what ends with this number was told before: then those behind it are in their place, where others may have read them.
local function is_there(entries, last_number)
  for _, entry in ipairs(entries) do
    if is_told(entry[2]) then
      local _, number = place_of(entry)
      return number >= last_number
    end
  end
  return false
end

-- Takes the entries out that come behind this place and were not told, the newest first; answers whether these were all.
local function take_out(entries, first_at, first_number)
  local late = 0
  for _, entry in ipairs(entries) do
    local at, number = place_of(entry)
    local fields = entry[2]
    if is_told(fields) or at <= first_at and number < first_number then break end
    call('ZADD', LATE_EVENTS, int(number), int(number) .. ' ' .. cjson.encode(fields))
    call('XDEL', EVENTS, entry[1])
    late = late + 1
  end
  if late > 0 then
    go_back(entries[1][1])
    call('DEL', REPLAY_INDEX)
  end
  return late < MOST
end

-- What tells a call that was made again from others: its type, agent and subject.
local function call_of(type, value)
  local agent, subject = string.match(value, '^(%Z*)%z%Z*%z(.*)$')
  return type .. '\0' .. (agent or '') .. '\0' .. (subject or '')
end

-- The fields of an entry without the events that were told; nothing when none is left.
local function without_told(fields, told)
  local kept, stays, tail, count = {}, {}, {}, 0
  for i = 1, #fields, 2 do
    local field, value = fields[i], fields[i + 1]
    if field == 'o' or field == 'r' then
      tail[field] = value
    else
      count = count + 1
      stays[count] = not told[call_of(field, value)]
      if stays[count] then kept[#kept + 1], kept[#kept + 2] = field, value end
    end
  end
  if #kept == 0 then return end
  local owners, before = {}, 0
  for op, size in string.gmatch(tail.o or '', '(%S+)=(%d+)') do
    local left = 0
    for i = before + 1, before + size do left = left + (stays[i] and 1 or 0) end
    before = before + size
    if left > 0 then owners[#owners + 1] = op .. '=' .. left end
  end
  if owners[1] then kept[#kept + 1], kept[#kept + 2] = 'o', table.concat(owners, ' ') end
  if tail.r then kept[#kept + 1], kept[#kept + 2] = 'r', tail.r end
  return kept
end

local function drop_told()
  local told = {}
  for i = FIRST, #ARGV, FIELDS do
    told[call_of(ARGV[i + 2], ARGV[i + 3])] = true
  end
  for _, member in ipairs(call('ZRANGE', LATE_EVENTS, 0, -1)) do
    local number, text = string.match(member, '^(%d+) (.*)$')
    local fields = cjson.decode(text)
    local kept = is_of_outage(fields) and fields or without_told(fields, told)
    if not kept or #kept < #fields then
      call('ZREM', LATE_EVENTS, member)
      if kept then call('ZADD', LATE_EVENTS, number, number .. ' ' .. cjson.encode(kept)) end
    end
  end
end

local function add_told()
  local newest = newest_entry()
  local known = newest and tonumber(string.match(newest[1], '%d+$')) or 0
  local entry, entry_at, entry_number = {}, '', 0
  local function add()
    if #entry == 0 then return end
    entry[#entry + 1], entry[#entry + 2] = 'o', TOLD
    call('XADD', EVENTS, 'MAXLEN', '~', EVENTS_KEPT, entry_at .. '-' .. int(entry_number), unpack(entry))
    now, last_event, dirty = math.max(now, tonumber(entry_at)), math.max(last_event, entry_number), true
    entry = {}
  end
  for i = FIRST, #ARGV, FIELDS do
    local at, number = ARGV[i], tonumber(ARGV[i + 1])
    if number > known then
      if at ~= entry_at or number ~= entry_number + 1 or #entry >= ENTRY_EVENTS * 2 then add() end
      entry[#entry + 1], entry[#entry + 2] = ARGV[i + 2], ARGV[i + 3]
      entry_at, entry_number = at, number
    end
  end
  add()
end

-- Notes that an entry has got another place, and with it another instant.
local function mark_moved(fields)
  if is_of_outage(fields) then return end
  for i = 1, #fields, 2 do
    if fields[i] == 'o' then
      if string.sub(fields[i + 1], -7) ~= 'moved=0' then fields[i + 1] = fields[i + 1] .. ' moved=0' end
      return
    end
  end
  fields[#fields + 1], fields[#fields + 2] = 'o', 'moved=0'
end

-- Puts what was taken out behind the last one that was told; answers whether that was all.
local function put_back()
  local members = call('ZRANGE', LATE_EVENTS, 0, MOST - 1)
  for _, member in ipairs(members) do
    local fields = cjson.decode(string.match(member, '^%d+ (.*)$'))
    local count = 0
    for i = 1, #fields, 2 do
      if fields[i] ~= 'o' and fields[i] ~= 'r' then count = count + 1 end
    end
    last_event = last_event + count
    mark_moved(fields)
    add_entry(fields, last_event, '')
    call('ZREM', LATE_EVENTS, member)
  end
  return #members < MOST
end

if #ARGV >= FIRST then
  local entries = call('XREVRANGE', EVENTS, '+', '-', 'COUNT', MOST)
  if not is_there(entries, tonumber(ARGV[#ARGV - 2])) then
    if not take_out(entries, tonumber(ARGV[FIRST]), tonumber(ARGV[FIRST + 1])) then return finish(1) end
    if call('EXISTS', LATE_EVENTS) == 1 then drop_told() end
    add_told()
  end
end
local done = not LAST or put_back()
if dirty and followers == 1 then
  followers = 0
  notify('events')
end
return finish(done and 0 or 2)
