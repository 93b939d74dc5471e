--[[ board/messages: messages of an inbox as they are shown; part of inbox and of the script that shows the rest.

NEEDS   engine/shown, board/thread
KEYS    messages, threads
RULES   engine/shown: SHOWN_BYTES, SHOWN_AT_A_TIME
KEEPS   one answer shows a bounded number of bytes, and of messages. ]]
local REASONS = { d = 'direct', m = 'mention', r = 'reply', h = 'high_priority' }

-- These messages as JSON, as many as one answer may hold and at most about so many, and how many of the numbers that
-- took: one that was removed meanwhile is passed over.
local function show_messages(numbers, reasons, most)
  local shown, left = show_until(numbers, SHOWN_AT_A_TIME, SHOWN_BYTES, function(chunk)
    local found, threads, texts = {}, {}, {}
    for i, record in ipairs(call('HMGET', MESSAGES, unpack(chunk))) do
      if record then
        found[#found + 1] = parse_message(chunk[i], record)
        threads[#threads + 1] = found[#found].thread
      end
    end
    for i, record in ipairs(#threads > 0 and call('HMGET', THREADS, unpack(threads)) or {}) do
      local message, thread = found[i], parse_thread(threads[i], record)
      texts[i] = table.concat({
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
    end
    return texts
  end, most)
  return table.concat(shown, ','), left and left - 1 or #numbers
end
