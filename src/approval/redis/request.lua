--[[ approval/request: asks for an approval, unless its id or key is there already.

NEEDS   approval/record
KEYS    approval_keys, approval_due
ARGV    5 id, 6 idempotency key or "", 7 timeout_ms, 8 digest or "", 9 approvers (JSON) or "",
        10 kind of action, 11 head, see approval/record
RETURN  the approval
KEEPS   a request that comes twice is asked once. ]]
local id, key, timeout, digest, approvers, action, head = unpack(ARGV, 5, 11)

local known = find(id) or find(key ~= '' and call('HGET', APPROVAL_KEYS, key))
if known then
  if is_retry and known.id == id then
    -- What the first try answered, whatever came of it since.
    known.status, known.used, known.decision = 'pending', '', ''
    return finish(show(known, tonumber(known.created)))
  end
  return finish(show(known))
end

sweep_expired()
local number = (call('HGET', APPROVAL_KEYS, '\0number') or 0) + 1
call('HSET', APPROVAL_KEYS, '\0number', int(number))
local approval = {
  id = id,
  number = string.format('%012.0f', number),
  status = 'pending',
  requester = ACTOR,
  created = int(now),
  expires = int(now + timeout),
  used = '',
  digest = digest,
  approvers = approvers,
  head = head,
  decision = '',
  key = key,
}
save(approval)
file('ZADD', approval)
call('ZADD', APPROVAL_DUE, approval.expires, id)
if key ~= '' then call('HSET', APPROVAL_KEYS, key, id) end
emit('approval.requested', id, ACTOR, '{"actionType":"' .. action .. '"}')
return finish(show(approval))
