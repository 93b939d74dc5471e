--[[ task/attempts: the attempts on a task before its newest one.

Each is written once, in a field of its own, when the next one begins. What happens to a task later reads and
writes the newest one alone, which is part of the work on it.

NEEDS   task/rows
RULES   task/model: OLDER_KEPT, HANDOFF, HANDOFF_BYTES
KEEPS   of the older ones the newest OLDER_KEPT are there, without a gap. ]]
-- The rest is local to this: a script has 200 locals at most.
local attempt_text, add_older, put_aside, with_handoff
do
  -- Unlike cjson, JSON.stringify leaves slashes alone; so an attempt is the same text on every store.
  local function quoted(text)
    return (string.gsub(cjson.encode(text), '\\/', '/'))
  end

  -- The newest attempt as JSON; more is text of other members, or nil.
  function attempt_text(work, more)
    return '{"holder":"' .. work.worker .. '","fence":' .. int(work.fence) .. ',"startedAtMs":' .. int(work.started)
      .. ',"endedAtMs":' .. int(work.ended) .. ',"outcome":"' .. work.outcome .. '"'
      .. (work.error and ',"error":' .. quoted(work.error) or '')
      .. (work.progress and ',"progress":' .. quoted(work.progress) or '') .. (more or '') .. '}'
  end

  -- Adds an attempt to the older ones, as the newest of them.
  function add_older(task, text)
    local id, older = task.id, (task.work.older or 0) + 1
    call('HSET', TASKS, id .. 'a' .. older, text)
    if older > OLDER_KEPT then call('HDEL', TASKS, id .. 'a' .. older - OLDER_KEPT) end
    task.work.older = older
  end

  -- Makes room for another attempt: the newest joins the older ones.
  function put_aside(task)
    if task.work.worker then add_older(task, attempt_text(task.work)) end
  end

  -- The record of a task just claimed, with what its holder sees of the attempts before.
  function with_handoff(task)
    local older = task.work.older
    if not older then return task.record end
    local before, bytes = {}, 0
    for n = older, math.max(1, older - HANDOFF + 1), -1 do
      local field = task.id .. 'a' .. n
      bytes = bytes + call('HSTRLEN', TASKS, field)
      if n < older and bytes > HANDOFF_BYTES then break end
      table.insert(before, 1, call('HGET', TASKS, field))
    end
    return string.sub(task.record, 1, -2) .. ',"before":[' .. table.concat(before, ',') .. ']}'
  end
end
