--[[ approval/prune: removes approvals that were decided or expired long ago.

NEEDS   approval/record
KEYS    approvals, approval_keys, approval_lists
FLAGS   frees
ARGV    5 how long ago they ended at least  6 place after which to begin: the status' place in the list
        below x 10^12 + number  7 how many to look at  8 1 to remove nothing, and only count
RETURN  {"pruned":…,"next":…}; next is the place to go on after, absent at the end ]]
local BEFORE, AFTER, left, DRY = now - ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8] == '1'
local STATUSES, PLACES = { 'approved', 'rejected', 'expired' }, 1000000000000

-- When it came to an end that lasts: decided, used, or past its time.
local function ended_at(approval)
  local decided = tonumber(string.match(approval.decision, '"decidedAtMs":(%d+)') or approval.expires)
  return math.max(decided, tonumber(approval.used) or 0)
end

local function remove(approval)
  file('ZREM', approval)
  call('HDEL', APPROVALS, approval.id)
  if approval.key ~= '' then call('HDEL', APPROVAL_KEYS, approval.key) end
end

sweep_expired()
local pruned, next_after = 0, nil
for i, status in ipairs(STATUSES) do
  if not next_after and AFTER < i * PLACES then
    local prefix = list_of('', status)
    local from = string.format('%012.0f', math.max(AFTER - (i - 1) * PLACES, 0))
    local members = call('ZRANGEBYLEX', APPROVAL_LISTS, '(' .. prefix .. from .. '\255', '(' .. prefix .. ':', 'LIMIT', 0, left)
    local count, reached = 0, false
    for _, member in ipairs(members) do
      local approval = find(string.sub(member, #prefix + 13))
      if tonumber(approval.created) >= BEFORE then
        reached = true
        break
      end
      if ended_at(approval) < BEFORE then
        if not DRY then remove(approval) end
        count = count + 1
      end
    end
    left, pruned = left - #members, pruned + count
    if left == 0 and not reached then
      next_after = (i - 1) * PLACES + tonumber(string.sub(members[#members], #prefix + 1, #prefix + 12))
    end
    if count > 0 and not DRY then
      emit('approval.pruned', status, ACTOR, '{"count":' .. count .. ',"olderThanMs":' .. ARGV[5] .. '}')
    end
  end
end
return finish('{"pruned":' .. pruned .. (next_after and ',"next":' .. int(next_after) or '') .. '}', true)
