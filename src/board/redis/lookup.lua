--[[ board/lookup: the newest threads that stand in several lists at once; part of list and search.

NEEDS   engine/shown, board/thread
KEYS    messages, threads, board_ids, board_removing
RULES   engine/shown: SHOWN_AT_ONCE, SHOWN_AT_A_TIME, SHOWN_BYTES
ARGV    5 t id of a thread that only older ones are wanted than, or "", 6 number that an earlier operation of
        the same page did not look below, or "", 7 limit
KEEPS   one operation looks at a bounded number of places, and shows a bounded number of bytes: where the lists have
        little in common, or threads are long, it gives what it found, and the number to go on below. ]]
local SEEKS = 2048
-- Each prune that was stopped leaves one thread half removed, until the next prune.
local MOST_REMOVING = 100

-- Numbers below `below` that are in each of the lists of a set, greatest first; then, when it gave up, the
-- number that it did not look below. A list is given by what its members begin with. Each in turn seeks
-- the next number that it may share.
local function newest_shared(set, lists, below, most)
  local found, agreed, candidate = {}, 0, below - 1
  if #lists == 1 then
    local first = lists[1]
    local last = '[' .. first .. number_of(candidate)
    local members = call('ZREVRANGEBYLEX', set, last, '[' .. first, 'LIMIT', 0, most)
    for i, member in ipairs(members) do found[i] = tonumber(string.sub(member, #first + 1)) end
    return found
  end
  for seek = 0, SEEKS - 1 do
    local first = lists[seek % #lists + 1]
    local last = '[' .. first .. number_of(candidate)
    local member = call('ZREVRANGEBYLEX', set, last, '[' .. first, 'LIMIT', 0, 1)[1]
    if not member then return found end
    local number = tonumber(string.sub(member, #first + 1))
    agreed = number == candidate and agreed + 1 or 1
    candidate = number
    if agreed == #lists then
      found[#found + 1] = number
      if #found == most then return found end
      candidate, agreed = number - 1, 0
    end
  end
  return found, candidate + 1
end

-- These threads as JSON, as many as one answer may hold; then the number of the last one if others are left. Words of
-- a thread that was removed may be left when another version of Unicode cut them: it is passed over.
local function show_threads(numbers)
  local shown, left = show_until(numbers, SHOWN_AT_A_TIME, SHOWN_BYTES, function(chunk)
    local texts, openings = {}, call('HMGET', MESSAGES, unpack(chunk))
    for i, record in ipairs(call('HMGET', THREADS, unpack(chunk))) do
      if record then
        texts[#texts + 1] = show_thread(parse_thread(chunk[i], record), parse_message(chunk[i], openings[i]))
      end
    end
    return texts
  end)
  return table.concat(shown, ','), left and numbers[left - 1]
end

-- One page of what stands in all lists of one of the groups. No number is in two groups.
local function page(set, groups)
  local before, below, limit = ARGV[5], tonumber(ARGV[6]) or messages + 1, tonumber(ARGV[7])
  if before ~= '' and ARGV[6] == '' then
    below = tonumber(call('HGET', BOARD_IDS, before) or nil)
    if not below then return 'null' end
  end
  local most = math.min(limit, SHOWN_AT_ONCE)
  local numbers, go_on = {}, 0
  local removing, hidden = call('ZRANGE', BOARD_REMOVING, 0, MOST_REMOVING - 1), {}
  for _, number in ipairs(removing) do hidden[tonumber(number)] = true end
  for _, lists in ipairs(groups) do
    local found, from = newest_shared(set, lists, below, most + 1 + #removing)
    go_on = math.max(go_on, from or 0)
    for _, number in ipairs(found) do
      if not hidden[number] then numbers[#numbers + 1] = number end
    end
  end
  table.sort(numbers, function(a, b) return a > b end)
  local kept = {}
  for _, number in ipairs(numbers) do
    -- Below that number one of the groups may have others in between.
    if number < go_on or #kept > most then break end
    kept[#kept + 1] = number_of(number)
  end
  local more = #kept > most
  if more then kept[#kept] = nil end
  local shown, last = show_threads(kept)
  if more and most < limit then last = last or kept[#kept] end
  local below_next = last and tonumber(last) or not more and go_on > 0 and go_on
  local next_below = below_next and ',"next":' .. int(below_next) or ''
  return '{"threads":[' .. shown .. '],"more":' .. tostring(more) .. next_below .. '}'
end
