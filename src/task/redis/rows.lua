--[[ task/rows: tasks as they are kept; part of every task script that looks at single ones.

NEEDS   task/format
KEYS    task_later
TASKS       <id> -> the spec, what the creator said, one JSON list in lines:
            [seq,priority,lease,max,"tags","backoff kind",its base,not before or null,created
            at,"by","depends on", then title, description, and at last an object of all else that the creator
            said, a member a line: no script has to know it, and a field that comes later is one more member. Tags
            and identifiers are joined by commas. No script parses more than the first line
            <id>w -> the work on it, JSON; absent while a task is pending that nobody has ever claimed:
            {status, worker, fence, more (whether it may be tried again when this attempt fails) and seq,
            both while it is claimed, spent (attempts that count), lease (its length), started, ended,
            outcome, error, progress, locks (the paths of its leases, while it is claimed and has any; `more` is left out
            then), older (how many attempts there were before), waits (dependencies not
            yet completed), updated, taken (the instant of the last change that task/take was told, until the next one
            here)}
            <id>a1, <id>a2 … -> the attempts before, JSON; see task/attempts
            <id>r -> the result, JSON; <id>k -> its idempotency key, if it has one
TASK_ORDER  id -> region + place, of every task whatever its status; a change of status is a change of score
            claimed: the instant at which its lease lapses    pending: its rank, see rank_of, and task/held_up
            scheduled, blocked, completed, dead, cancelled: the number of its creation
TASK_LATER  id -> the instant at which it is due, of scheduled tasks; 0 of completed ones that have links, see
            task/dependencies
TASK_CREATED  id -> the number of its creation, of every task
KEEPS       a task is in one region, its work says the same status; a task that time alone has changed stays
            where it was until an operation expires it, and every reader shows it expired. ]]
-- The rest is local to this: a script has 200 locals at most.
local parse, encode, find, end_attempt, expire, wait, show_with, show, replayed
do
  local SPEC = '^%[(%d+),(%d),(%d+),(%d+),"([^"]*)","(%a)",(%d+),(%w+),(%d+),"([^"]*)","([^"]*)",\n'

  -- A task from what is kept of it; nothing when that is no task.
  function parse(id, spec, record)
    if not spec then return end
    local seq, priority, lease, max, tags, kind, base, start, created, by, needs = string.match(spec, SPEC)
    if not seq then return end
    return {
      id = id,
      spec = spec,
      seq = tonumber(seq),
      priority = tonumber(priority),
      lease = tonumber(lease),
      max = tonumber(max),
      tags = tags,
      kind = kind,
      base = tonumber(base),
      start = tonumber(start),
      created = created,
      by = by,
      needs = needs,
      record = record,
      work = record and cjson.decode(record) or { status = 'pending', spent = 0 },
    }
  end

  -- The work as text.
  function encode(work)
    local status, worker, number, more, seq = work.status, work.worker, work.fence, work.more, work.seq
    if not worker then return cjson.encode(work) end
    work.status, work.worker, work.fence, work.more, work.seq = nil, nil, nil, nil, nil
    local rest = cjson.encode(work)
    work.status, work.worker, work.fence, work.more, work.seq = status, worker, number, more, seq
    return work_text(status, worker, int(number), more, seq and int(seq), string.sub(rest, 2, -2))
  end

  -- The instant at which time changes the task, if it will.
  local function look_due(task)
    local status = task.work.status
    if status == 'claimed' then
      task.due = tonumber(call('ZSCORE', TASK_ORDER, task.id))
    elseif status == 'scheduled' then
      task.due = tonumber(call('ZSCORE', TASK_LATER, task.id))
    end
  end

  -- The task with this identifier, as it is kept.
  function find(id)
    local kept = call('HMGET', TASKS, id, id .. 'w')
    local task = parse(id, kept[1], kept[2])
    if task then look_due(task) end
    return task
  end

  -- Ends the newest attempt. Where the task goes from here is the caller's to say.
  function end_attempt(task, outcome, at, why)
    local work = task.work
    task.due, task.record = nil, nil
    work.more, work.seq = nil, nil
    work.ended, work.outcome, work.error = at, outcome, why
  end

  -- Makes of the task what time has made of it; true if that is a change.
  function expire(task)
    if not task.due or task.due > now then return false end
    local work = task.work
    if work.status == 'claimed' then
      end_attempt(task, 'expired', task.due)
      work.status = work.spent < task.max and 'pending' or 'dead'
    else
      work.status = 'pending'
      task.due, task.record = nil, nil
    end
    return true
  end

  -- Sends a task that nobody holds to where it has to wait.
  function wait(task, start)
    local work = task.work
    local waiting = (work.waits or 0) > 0
    local later = not waiting and start and start > now
    work.status = waiting and 'blocked' or later and 'scheduled' or 'pending'
    task.due, task.record = later and start or nil, nil
  end

  -- Why a blocked task will not go on by itself, as JSON; nothing when it will. Of several, the oldest.
  local function blocked_reason(task)
    local needs = {}
    for id in string.gmatch(task.needs, '[^,]+') do needs[#needs + 1] = id end
    local first, why
    for i, score in ipairs(call('ZMSCORE', TASK_ORDER, unpack(needs))) do
      local place = tonumber(score)
      -- One whose last attempt has lapsed is dead, swept or not.
      if place <= now or place >= 5 * REGION then
        local other = find(needs[i])
        expire(other)
        local status = other.work.status
        if (status == 'dead' or status == 'cancelled') and (not first or other.seq < first) then
          first, why = other.seq, '"depends on ' .. other.id .. ', which is ' .. status .. '"'
        end
      end
    end
    return why
  end

  -- What an answer says of a task, given its result, if it has one: see TaskReply in redis_rows.ts.
  function show_with(task, result)
    local text = '{"id":"' .. task.id .. '","s":' .. task.spec
    if task.record or task.work.worker or task.work.status ~= 'pending' or task.work.updated then
      text = text .. ',"w":' .. (task.record or encode(task.work))
    end
    if task.due then text = text .. ',"due":' .. int(task.due) end
    if result then text = text .. ',"r":' .. result end
    if task.work.status == 'blocked' then
      local why = blocked_reason(task)
      if why then text = text .. ',"why":' .. why end
    end
    return text .. '}'
  end

  -- The task as everybody sees it at this moment.
  function show(task)
    expire(task)
    return show_with(task, task.work.status == 'completed' and call('HGET', TASKS, task.id .. 'r'))
  end

  -- Whether an earlier try of this very call has emitted this event of the task.
  function replayed(type, id)
    if not is_retry then return false end
    for _, item in ipairs((replay())) do
      if item[1] == type and item[2] == id then return true end
    end
    return false
  end
end
