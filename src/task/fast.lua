--[[ task/fast: what nearly every completion and claim is, before anything else is defined, since a script
pays for every function that it defines: an attempt that is not the last is completed while its record says
claimed, and the first in the queue is claimed for the first time. Whatever is not that simple goes on to
task/complete or task/claim, and then nothing has been written yet. COMPLETES says which of the two this is.

ARGV    5 what to claim: 1, or count|any or all|length of the lease or empty|tags joined by commas, or "" for
          nothing
        in task/complete: 6 id  7 fence or ""  8 result as JSON or ""  9 1 to be told the spec, too
        in task/claim: 6 waiter's id, 7 its bell, if there is one
RETURN  in task/complete {record} or {record, id, spec, record} with what was claimed
        in task/claim {id, spec, record} ]]
local REQUEST = ARGV[5]
if not REPEATED and now < task_floor and (COMPLETES and task_links == 0 and not ARGV[9] or
  not COMPLETES and (task_waiters == 0 or not ARGV[6])) then
  local simple, text = true, string.format
  local id, work, tenure, seq, rest
  if COMPLETES then
    id, work = ARGV[6], ARGV[6] .. 'w'
    local worker
    worker, tenure, seq, rest = string.match(call('HGET', TASKS, work) or '',
      '^{"status":"claimed","worker":"([^"]*)","fence":(%d+),"more":true,"seq":(%d+),(.*)$')
    simple = worker == ACTOR and (ARGV[7] == '' or ARGV[7] == tenure)
  end
  local head, spec, length, tags, rank, more, next_seq
  if simple and REQUEST ~= '' then
    local asked, tag
    if REQUEST ~= '1' then asked, tag = string.match(REQUEST, '^1|%a+|(%d*)|([^,]*)$') end
    if tag and tag ~= '' then
      head = call('ZRANGEBYLEX', TASK_TAGS, '[' .. tag .. '\0', '(' .. tag .. '\1', 'LIMIT', '0', '1')[1]
      head = head and string.sub(head, #tag + 19)
    elseif tag or REQUEST == '1' then
      head = call('ZRANGEBYSCORE', TASK_ORDER, '562949953421312', '(1125899906842624', 'LIMIT', '0', '1')[1]
    else
      simple = false
    end
    if head then
      local kept = call('HMGET', TASKS, head, head .. 'w')
      local priority, max
      spec = kept[1]
      next_seq, priority, length, max, tags = string.match(spec, '^%[(%d+),(%d),(%d+),(%d+),"([^"]*)"')
      simple, more = not kept[2], max ~= '1' and ',"more":true' or ''
      if asked and asked ~= '' then length = asked end
      if tags ~= '' then rank = text('%016d', (9 - priority) * 17592186044416 + next_seq) end
    end
  end
  if simple and (head or COMPLETES) then
    local at, record, taken, due, number, writes = text('%d', now), nil, nil, nil, nil, {}
    if COMPLETES then
      record = '{"status":"completed","worker":"' .. ACTOR .. '","fence":' .. tenure .. ',"ended":' .. at
        .. ',"outcome":"completed",' .. rest
      call('ZREM', HELD, ACTOR .. '\0t' .. id)
      emit('task.completed', id, ACTOR, '{"fence":' .. tenure .. '}')
      writes = { work, record }
      if ARGV[8] ~= '' then writes[3], writes[4] = id .. 'r', ARGV[8] end
    end
    if head then
      fence, due = fence + 1, now + length
      if due < task_floor then task_floor = due end
      number, due = text('%d', fence), text('%d', due)
      taken = '{"status":"claimed","worker":"' .. ACTOR .. '","fence":' .. number .. more
        .. ',"seq":' .. next_seq .. ',"spent":1,"lease":' .. length .. ',"started":' .. at .. '}'
      if rank then
        for tag in string.gmatch(tags, '[^,]+') do
          call('ZREM', TASK_TAGS, tag .. '\0' .. rank .. '\0' .. head)
        end
      end
      call('ZADD', HELD, '0', ACTOR .. '\0t' .. head)
      emit('task.claimed', head, ACTOR, '{"fence":' .. number .. '}')
      local n = #writes
      writes[n + 1], writes[n + 2] = head .. 'w', taken
    end
    call('HSET', TASKS, unpack(writes))
    local place = COMPLETES and text('%d', 2251799813685248 + seq)
    if not head then
      call('ZADD', TASK_ORDER, place, id)
      return finish({ record })
    end
    if not COMPLETES then
      call('ZADD', TASK_ORDER, due, head)
      return finish({ head, spec, taken })
    end
    -- One command moves both tasks.
    call('ZADD', TASK_ORDER, place, id, due, head)
    return finish({ record, head, spec, taken })
  end
end
