--[[ approval/decide: makes the actor's decision final.

NEEDS   approval/record
FLAGS   frees
ARGV    5 id, 6 approved|rejected, 7 comment (JSON) or ""
RETURN  {"kind":"decided"|"own"|"not_approver"|"closed","approval":…,"nowMs":…} | {"kind":"not_found"}
KEEPS   the first decision stands; one that comes too late, or from who may not decide, changes nothing. ]]
local id, status, comment = ARGV[5], ARGV[6], ARGV[7]

local function may_decide(approval)
  if approval.approvers == '' then return true end
  for _, name in ipairs(cjson.decode(approval.approvers)) do
    if name == ACTOR then return true end
  end
  return false
end

local approval = find(id)
if not approval then return finish('{"kind":"not_found"}') end
if replayed(id, 'approval.approved', 'approval.rejected') then
  -- What the first try answered: it may have been used since.
  approval.used = ''
  return finish(outcome('decided', approval))
end
if approval.requester == ACTOR then return finish(outcome('own', approval)) end
if not may_decide(approval) then return finish(outcome('not_approver', approval)) end
if status_at(approval, now) ~= 'pending' then
  local closed = outcome('closed', approval)
  sweep_expired()
  return finish(closed)
end
sweep_expired()
approval.decision = ',"decidedBy":"' .. ACTOR .. '","decidedAtMs":' .. int(now) ..
  (comment ~= '' and ',"comment":' .. comment or '')
move(approval, status, ACTOR)
return finish(outcome('decided', approval))
