--[[ board/prunable: the next threads that last changed long ago, and what board/prune needs to remove them.

NEEDS   board/thread
KEYS    board_lists, board_removing, thread_parts, messages
FLAGS   frees
ARGV    5 statuses, joined by commas  6 how long ago they changed at least  7 number after which to begin  8 how many
        threads to look at  9 how many messages to give  10 how many bytes of them  11 1 to only count
RETURN  {"count":…,"threads":[{"number":…,"updated":…,"title":…,"whole":…,"messages":[[number, text]…]}…],"next"?:…};
        a thread that is not whole has more messages, and next is then the number before it. Replies come first, the oldest
        of all at the beginning, and the opening after all of them. A thread that an earlier prune has begun to
        remove comes before all others, whatever its status was ]]
local BEFORE, AFTER, LIMIT, COUNTING = now - ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[11] == '1'
local messages_left, bytes_left = tonumber(ARGV[9]), tonumber(ARGV[10])
-- Each agent that a message names costs one removal more, about as much as a line of text.
local RECIPIENTS_WEIGHT = 4

local function next_numbers()
  local numbers = {}
  for status in string.gmatch(ARGV[5], '[^,]+') do
    local prefix = '\0' .. status .. '\0'
    local start = '(' .. prefix .. number_of(AFTER)
    for _, member in ipairs(call('ZRANGEBYLEX', BOARD_LISTS, start, '(' .. prefix .. ':', 'LIMIT', 0, LIMIT)) do
      numbers[#numbers + 1] = string.sub(member, #prefix + 1)
    end
  end
  table.sort(numbers)
  for i = #numbers, LIMIT + 1, -1 do numbers[i] = nil end
  return numbers
end

-- Adds the message to the others, unless there is no room.
local function give(shown, number)
  if messages_left <= 0 or bytes_left <= 0 then return false end
  local record = call('HGET', MESSAGES, number)
  local message = parse_message(number, record)
  shown[#shown + 1] = '["' .. number .. '",' .. message.text .. ']'
  messages_left = messages_left - 1
  bytes_left = bytes_left - #record - #message.recipients * RECIPIENTS_WEIGHT
  return true
end

-- The messages of a thread as JSON, and whether those are all.
local function messages_of(thread)
  local shown, first = {}, thread.number .. 'm'
  local members = call('ZRANGEBYLEX', THREAD_PARTS, '[' .. first, '(' .. thread.number .. 'n', 'LIMIT', 0, messages_left)
  local whole = true
  for _, member in ipairs(members) do
    whole = whole and give(shown, string.sub(member, #first + 1, #first + 12))
  end
  whole = whole and give(shown, thread.number)
  return shown, whole
end

local begun = not COUNTING and call('ZRANGE', BOARD_REMOVING, 0, 0)[1]
local numbers = begun and { begun } or next_numbers()
local count, threads, next_after = 0, {}, (begun or #numbers == LIMIT) and numbers[#numbers] or nil
for _, number in ipairs(numbers) do
  local thread = thread_at(number)
  -- Later ones were opened later, and so have changed later, too.
  if not begun and tonumber(thread.created) >= BEFORE then
    next_after = nil
    break
  end
  if begun or tonumber(thread.updated) < BEFORE then
    count = count + 1
    if not COUNTING then
      local shown, whole = messages_of(thread)
      if #shown > 0 then
        threads[#threads + 1] = table.concat({
          '{"number":"',
          number,
          '","updated":"',
          thread.updated,
          '","title":',
          thread.title,
          ',"whole":',
          tostring(whole),
          ',"messages":[',
          table.concat(shown, ','),
          ']}',
        })
      end
      if not whole then
        next_after = number - 1
        break
      end
    end
  end
end
-- Behind one that was begun nothing has been looked at yet.
if begun then next_after = AFTER end
local next_field = next_after and ',"next":' .. int(tonumber(next_after)) or ''
return finish('{"count":' .. count .. ',"threads":[' .. table.concat(threads, ',') .. ']' .. next_field .. '}')
