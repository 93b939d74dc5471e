--[[ task/get: one task as it is now, and the attempts before its newest one, a portion per operation.

NEEDS   task/rows
ARGV    5 id  6 "" for the task and what fits of its attempts, else the number of the attempt before which to go on
RETURN  {task, number of the attempt before which to go on, attempt…}, newest first; the task is "" when there is none
        or only attempts were asked for, the number is "" at the end ]]
-- An answer of this size takes about a millisecond.
local PORTION = 524288
local ID, number = ARGV[5], tonumber(ARGV[6])
local answer, bytes = { '', '' }, 0
if not number then
  local task = find(ID)
  if not task then return answer end
  answer[1], number = show(task), (task.work.older or 0) + 1
end
while number > 1 do
  if bytes >= PORTION then
    answer[2] = int(number)
    break
  end
  number = number - 1
  local text = call('HGET', TASKS, ID .. 'a' .. number)
  -- Older ones are not kept.
  if not text then break end
  answer[#answer + 1], bytes = text, bytes + #text
end
return answer
