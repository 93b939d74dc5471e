--[[ approval/look: an approval as it stands, for one who waits for its decision.

NEEDS   approval/record
ARGV    5 id, 6 waker to wake once it is not pending any more, or ""
RETURN  {"approval":…,"nowMs":…} | null ]]
local id, waker = ARGV[5], ARGV[6]

local approval = find(id)
if not approval then return finish('null') end
local status = status_at(approval, now)
if status == 'pending' and waker ~= '' then listen('approval:' .. id, waker) end
if status ~= approval.status then move(approval, status) end
return finish('{"approval":' .. show(approval) .. ',"nowMs":' .. int(now) .. '}')
