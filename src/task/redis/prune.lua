--[[ task/prune: removes tasks that ended long ago. One that others still wait for is kept.

NEEDS   task/removal
RULES   task/model: ATTEMPTS_PRUNED_AT_ONCE
FLAGS   frees
ARGV    5 statuses, joined by commas  6 how long ago they ended at least  7 score in TASK_ORDER after which to begin
        8 how many to look at  9 1 to remove nothing, and only count
RETURN  {"pruned":…,"next":…}; next is the score to go on after, absent at the end ]]
local BEFORE, AFTER, LIMIT, DRY = now - ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[9] == '1'
local regions = { completed = 4, dead = 5, cancelled = 6 }

local pruned, left, attempts, next_after = 0, LIMIT, 0, nil
for _, status in ipairs({ 'completed', 'dead', 'cancelled' }) do
  local base = regions[status] * REGION
  if not next_after and string.find(',' .. ARGV[5] .. ',', ',' .. status .. ',', 1, true) and AFTER < base + REGION - 1 then
    local count, from = 0, math.max(AFTER, base)
    local rows = call('ZRANGEBYSCORE', TASK_ORDER, '(' .. int(from), '(' .. int(base + REGION), 'WITHSCORES', 'LIMIT', 0, left)
    local reached, looked = false, 0
    for i = 1, #rows, 2 do
      looked = looked + 1
      local task = find(rows[i])
      -- Later ones were created later, and so have ended later, too.
      if tonumber(task.created) >= BEFORE then
        reached = true
        break
      end
      local work = task.work
      if math.max(work.ended or 0, work.updated or 0) < BEFORE and not is_needed(task.id) then
        if not DRY then attempts = attempts + remove(task) end
        count = count + 1
      end
      if attempts >= ATTEMPTS_PRUNED_AT_ONCE then
        next_after = rows[i + 1]
        break
      end
    end
    left, pruned = left - looked, pruned + count
    if left == 0 and not next_after then next_after = reached and base + REGION - 1 or rows[#rows] end
    if count > 0 and not DRY then
      emit('task.pruned', status, ACTOR, '{"count":' .. count .. ',"olderThanMs":' .. ARGV[6] .. '}')
      dirty = true
    end
  end
end
local answer = '{"pruned":' .. pruned .. (next_after and ',"next":' .. int(tonumber(next_after)) or '') .. '}'
return finish(answer, true)
