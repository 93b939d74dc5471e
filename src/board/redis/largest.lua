--[[ board/largest: the largest of some threads, the newest first, by the size of all their messages.

NEEDS   board/thread
KEYS    board_lists, thread_parts, messages
RULES   board/thread: SAMPLED, THREADS_SIZED
ARGV    5 number of the thread before which to begin, "" for the newest
RETURN  {"id":…,"bytes":…,"looked":…,"next":…}; id is absent when there was none, next at the end
KEEPS   of a thread with more replies the newest SAMPLED stand for all ]]
-- Behind ':' there is no digit.
local below = ARGV[5] == '' and ':' or number_of(tonumber(ARGV[5]))
local numbers = {}
for _, status in ipairs({ 'active', 'waiting', 'resolved' }) do
  local prefix = '\0' .. status .. '\0'
  local members = call('ZREVRANGEBYLEX', BOARD_LISTS, '(' .. prefix .. below, '[' .. prefix, 'LIMIT', 0, THREADS_SIZED)
  for _, member in ipairs(members) do numbers[#numbers + 1] = string.sub(member, #prefix + 1) end
end
table.sort(numbers, function(a, b) return a > b end)

-- What is kept of the messages of a thread.
local function size_of(thread)
  local first, bytes = thread.number .. 'm', 0
  local newest = call('ZREVRANGEBYLEX', THREAD_PARTS, '(' .. thread.number .. 'n', '[' .. first, 'LIMIT', 0, SAMPLED)
  for _, member in ipairs(newest) do
    bytes = bytes + call('HSTRLEN', MESSAGES, string.sub(member, #first + 1, #first + 12))
  end
  if #newest > 0 then bytes = math.floor(bytes * math.max(1, thread.replies / #newest)) end
  return bytes + call('HSTRLEN', MESSAGES, thread.number)
end

local most, largest, looked = -1, nil, math.min(#numbers, THREADS_SIZED)
for i = 1, looked do
  local thread = thread_at(numbers[i])
  local bytes = size_of(thread)
  if bytes > most then largest, most = thread.id, bytes end
end
if not largest then return '{"bytes":0,"looked":0}' end
return '{"id":"' .. largest .. '","bytes":' .. int(most) .. ',"looked":' .. looked ..
  (#numbers >= THREADS_SIZED and ',"next":' .. int(tonumber(numbers[looked])) or '') .. '}'
