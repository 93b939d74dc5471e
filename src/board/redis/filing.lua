--[[ board/filing: where threads are found by status, author and tag; part of the scripts that change threads.

NEEDS   board/thread
KEYS    board_lists
BOARD_LISTS  members of score 0: facet NUL status NUL number. The facet is t and a tag, a and the author, or
             nothing; h NUL instant (14 digits) number author stands for an opening of high priority
KEEPS        a thread is in the lists of exactly one status: that it has. ]]

-- The places of a thread in the lists.
local function places_of(thread)
  local tail = '\0' .. thread.status .. '\0' .. thread.number
  local places = { tail, 'a' .. thread.author .. tail }
  for _, tag in ipairs(cjson.decode(thread.tags)) do places[#places + 1] = 't' .. tag .. tail end
  return places
end

-- The place of a thread of high priority in the list that all inboxes look into.
local function urgent_place(thread)
  return 'h\0' .. string.format('%014.0f', thread.created) .. thread.number .. thread.author
end

local function file(thread)
  local scored = {}
  for _, place in ipairs(places_of(thread)) do
    scored[#scored + 1] = 0
    scored[#scored + 1] = place
  end
  call('ZADD', BOARD_LISTS, unpack(scored))
end

-- Gives a thread that has changed just now this status.
local function update(thread, status)
  thread.updated = int(now)
  if status ~= thread.status then
    call('ZREM', BOARD_LISTS, unpack(places_of(thread)))
    thread.status = status
    file(thread)
  end
  save_thread(thread)
end
