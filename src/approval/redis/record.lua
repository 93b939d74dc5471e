--[[ approval/record: approvals as they are kept; part of every approval script.

KEYS    approvals, approval_lists, approval_due
RULES   approval/model: APPROVALS_EXPIRED_AT_ONCE
APPROVALS      id -> fields with NUL between them: number, status, who asked, when, expiry, when used or "",
               digest or "", approvers (JSON) or "", head (the client's JSON of id, kind and description),
               decision (JSON members) or "", idempotency key or ""; behind it a later program may add others, each
               after a NUL
APPROVAL_LISTS members of score 0: who asked, or nothing, NUL status NUL number id: by status, newest last
APPROVAL_DUE   id -> expiry, of the pending ones
APPROVAL_KEYS  idempotency key -> id; NUL number -> how many were ever asked for
KEEPS   an approval is in APPROVAL_DUE exactly while it is pending by what is written; once its time
        is up it is expired for everybody, whatever is written. ]]
local FIELDS = '^' .. string.rep('(%Z*)%z', 10) .. '(%Z*)(.*)$'

local function parse(id, record)
  local approval = { id = id }
  approval.number, approval.status, approval.requester, approval.created, approval.expires, approval.used,
    approval.digest, approval.approvers, approval.head, approval.decision, approval.key,
    approval.added = string.match(record, FIELDS)
  return approval
end

local function find(id)
  local record = id and call('HGET', APPROVALS, id)
  return record and parse(id, record)
end

local function save(approval)
  call('HSET', APPROVALS, approval.id, table.concat({
    approval.number,
    approval.status,
    approval.requester,
    approval.created,
    approval.expires,
    approval.used,
    approval.digest,
    approval.approvers,
    approval.head,
    approval.decision,
    approval.key,
  }, '\0') .. (approval.added or ''))
end

-- What members of a list begin with; requester is "" for the list of everybody's.
local function list_of(requester, status)
  return requester .. '\0' .. status .. '\0'
end

-- Puts an approval into the lists of its status, or with ZREM takes it out.
local function file(command, approval)
  for _, requester in ipairs({ '', approval.requester }) do
    local member = list_of(requester, approval.status) .. approval.number .. approval.id
    if command == 'ZADD' then
      call('ZADD', APPROVAL_LISTS, 0, member)
    else
      call('ZREM', APPROVAL_LISTS, member)
    end
  end
end

local STATUSES = { pending = true, approved = true, rejected = true, expired = true }

local function status_at(approval, at)
  -- Whoever called looks for what is damaged then; see src/open/redis_damage.ts.
  if not STATUSES[approval.status] then error('approval ' .. approval.id .. ' has no status') end
  if approval.status == 'pending' and tonumber(approval.expires) <= at then return 'expired' end
  return approval.status
end

-- What everybody sees of an approval, as JSON; it is for the instant `at`, or now.
local function show(approval, at)
  return table.concat({
    approval.head,
    ',"requestedBy":"',
    approval.requester,
    '","status":"',
    status_at(approval, at or now),
    '","createdAtMs":',
    approval.created,
    ',"expiresAtMs":',
    approval.expires,
    approval.digest ~= '' and ',"digest":' .. cjson.encode(approval.digest) or '',
    approval.approvers ~= '' and ',"approvers":' .. approval.approvers or '',
    approval.decision,
    approval.used ~= '' and ',"usedAtMs":' .. approval.used or '',
    '}',
  })
end

-- An outcome that shows how an approval stands.
local function outcome(kind, approval)
  return '{"kind":"' .. kind .. '","approval":' .. show(approval) .. ',"nowMs":' .. int(now) .. '}'
end

-- What goes with every way out of pending; `by` is nil when time decided.
local function move(approval, status, by)
  file('ZREM', approval)
  call('ZREM', APPROVAL_DUE, approval.id)
  approval.status = status
  file('ZADD', approval)
  save(approval)
  emit('approval.' .. status, approval.id, by, '{"requestedBy":"' .. approval.requester .. '"}')
  notify('approval:' .. approval.id)
end

-- Writes off the requests that lapsed longest ago.
local function sweep_expired()
  for _, id in ipairs(call('ZRANGEBYSCORE', APPROVAL_DUE, '-inf', int(now), 'LIMIT', 0, APPROVALS_EXPIRED_AT_ONCE)) do
    move(find(id), 'expired')
  end
end

-- Whether an earlier try of this very call made this happen to an approval.
local function replayed(id, ...)
  if not is_retry then return false end
  for _, item in ipairs((replay())) do
    for _, type in ipairs({ ... }) do
      if item[1] == type and item[2] == id then return true end
    end
  end
  return false
end
