--[[ approval/take: takes approvals over from a store that stood in for this one; each is as told afterwards, however often it is told.

A decision that was made here stays; one that was told wins over what is pending here, or what only time has ended.
No event is emitted.

NEEDS   approval/record, engine/conflicts
KEYS    approvals, approval_keys, approval_due
ARGV    from 5 on, of each approval: "moved", id, key or "", status, who asked, when, expiry, when used or "", digest or "",
        approvers (JSON) or "", head, decision, see approval/record; of each that was removed: "removed", id
RETURN  {id, what became of it, more of that} of each that was not taken over as told: "key" and who has it;
        "decided" and the status here; "used" when it was here, too ]]
local at, conflicts = 5, {}

local function argument()
  at = at + 1
  return ARGV[at - 1]
end

local function conflict(id, kind, more)
  conflicts[#conflicts + 1] = cjson.encode({ id, kind, more or '' })
end

local function is_decided(status)
  return status == 'approved' or status == 'rejected'
end

local function give_key_back(approval)
  if approval.key ~= '' and call('HGET', APPROVAL_KEYS, approval.key) == approval.id then
    call('HDEL', APPROVAL_KEYS, approval.key)
  end
end

-- Takes away what finds the approval as it stands here.
local function displace(approval)
  file('ZREM', approval)
  call('ZREM', APPROVAL_DUE, approval.id)
  give_key_back(approval)
end

-- The decision here stands when there is one, and it is used once for all.
local function keep_decision(told, here)
  if not is_decided(here.status) then return end
  if here.status ~= told.status or here.decision ~= told.decision then
    if told.status ~= 'pending' then conflict(told.id, 'decided', here.status) end
    told.status, told.decision, told.used = here.status, here.decision, here.used
  elseif here.used ~= '' then
    if told.used ~= '' and told.used ~= here.used then conflict(told.id, 'used') end
    told.used = here.used
  end
end

local function next_number()
  return string.format('%012.0f', call('HINCRBY', APPROVAL_KEYS, '\0number', 1))
end

local function take_approval()
  local told = { id = argument(), key = argument(), status = argument(), requester = argument() }
  told.created, told.expires, told.used = argument(), argument(), argument()
  told.digest, told.approvers, told.head, told.decision = argument(), argument(), argument(), argument()
  local here = find(told.id)
  if here then
    keep_decision(told, here)
    -- What time has ended here does not begin again.
    if here.status == 'expired' and told.status == 'pending' then told.status = 'expired' end
    displace(here)
    told.added = here.added
  end
  told.number = here and here.number or next_number()
  local owner = told.key ~= '' and call('HGET', APPROVAL_KEYS, told.key)
  if owner and owner ~= told.id then
    conflict(told.id, 'key', owner)
    told.key = ''
  end
  if told.key ~= '' then call('HSET', APPROVAL_KEYS, told.key, told.id) end
  save(told)
  file('ZADD', told)
  if told.status == 'pending' then
    call('ZADD', APPROVAL_DUE, told.expires, told.id)
  else
    notify('approval:' .. told.id)
  end
end

local function take_away()
  local here = find(argument())
  if not here then return end
  displace(here)
  call('HDEL', APPROVALS, here.id)
  notify('approval:' .. here.id)
end

while at <= #ARGV do
  if argument() == 'moved' then take_approval() else take_away() end
end
dirty = true
return finish(keep_conflicts('approval', conflicts))
