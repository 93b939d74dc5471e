--[[ board/messages: messages of an inbox as they are shown; part of inbox and of the script that shows the rest.

NEEDS   board/thread
KEYS    messages, threads
RULES   engine/shown: SHOWN_BYTES
KEEPS   one answer shows a bounded number of bytes, and of messages. ]]
local REASONS = { d = 'direct', m = 'mention', r = 'reply', h = 'high_priority' }
local SHOW_CHUNK = 4

-- These messages as JSON, as many as one answer may hold and at most about so many, and how many of the numbers that
-- took: one that was removed meanwhile is passed over.
local function show_messages(numbers, reasons, most)
  local shown, bytes, looked = {}, 0, 0
  for first = 1, #numbers, SHOW_CHUNK do
    if bytes > SHOWN_BYTES or first > most then break end
    local chunk = { unpack(numbers, first, math.min(first + SHOW_CHUNK - 1, #numbers)) }
    local found, threads = {}, {}
    for i, record in ipairs(call('HMGET', MESSAGES, unpack(chunk))) do
      if record then
        found[#found + 1] = parse_message(chunk[i], record)
        threads[#threads + 1] = found[#found].thread
      end
    end
    looked = looked + #chunk
    for i, record in ipairs(#threads > 0 and call('HMGET', THREADS, unpack(threads)) or {}) do
      local message, thread = found[i], parse_thread(threads[i], record)
      local text = table.concat({
        '{"id":"',
        message.id,
        '","threadId":"',
        thread.id,
        '","title":',
        thread.title,
        ',"author":"',
        message.author,
        '","message":',
        message.text,
        ',"reason":"',
        REASONS[reasons[message.number]],
        '","priority":"',
        thread.priority,
        '","atMs":',
        message.at,
        '}',
      })
      shown[#shown + 1], bytes = text, bytes + #text
    end
  end
  return table.concat(shown, ','), looked
end
