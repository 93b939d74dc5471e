--[[ approval/list: approvals with a status, of a requester, or all; newest first.

NEEDS   engine/shown, approval/record
KEYS    approval_lists, approval_due, approvals
RULES   engine/shown: LONG_SHOWN_AT_ONCE, LONG_SHOWN_AT_A_TIME, LONG_SHOWN_BYTES
RULES   approval/model: APPROVALS_LOOKED_AT
ARGV    5 status or "", 6 who asked or "", 7 id that only older ones are wanted than, or "", 8 limit
        9 number to go on below, or ""
RETURN  {"approvals":[…],"more":true|false,"next"?:number to go on below}, with next when the answer had no room for
        all, or too many had to be passed over | null when there is none with that id ]]
local status, requester, before, limit, below = ARGV[5], ARGV[6], ARGV[7], tonumber(ARGV[8]), ARGV[9]
local MOST = math.min(limit, LONG_SHOWN_AT_ONCE)
local CHUNK = MOST + 1

-- The lists that hold what has a status now: those that lapsed count as expired, swept or not.
local SOURCES = {
  pending = { { 'pending', function(expires) return expires > now end } },
  approved = { { 'approved' } },
  rejected = { { 'rejected' } },
  expired = { { 'expired' }, { 'pending', function(expires) return expires <= now end } },
  [''] = { { 'pending' }, { 'approved' }, { 'rejected' }, { 'expired' } },
}

-- A list that is read from its newest end, some members at a time.
local function open_list(name, counts, end_number)
  local prefix = list_of(requester, name)
  return {
    first = '[' .. prefix,
    last = '(' .. prefix .. end_number,
    skip = #prefix,
    counts = counts,
    at = 1,
    heads = {},
  }
end

local looks = 0

-- Reads on. An operation that has passed over many ends where this list has been read to: then that is its head.
local function fill(source)
  source.at, source.heads = 1, {}
  repeat
    if looks >= APPROVALS_LOOKED_AT then
      source.heads[1] = { number = source.number, ends = true }
      return
    end
    local members = call('ZREVRANGEBYLEX', APPROVAL_LISTS, source.last, source.first, 'LIMIT', 0, CHUNK)
    source.ended = #members < CHUNK
    if #members == 0 then return end
    source.last = '(' .. members[#members]
    if source.counts then
      looks = looks + #members
      source.number = tonumber(string.sub(members[#members], source.skip + 1, source.skip + 12))
    end
    local ids = {}
    for i, member in ipairs(members) do ids[i] = string.sub(member, source.skip + 13) end
    local expiries = source.counts and call('ZMSCORE', APPROVAL_DUE, unpack(ids))
    for i, member in ipairs(members) do
      if not source.counts or source.counts(tonumber(expiries[i])) then
        local number = tonumber(string.sub(member, source.skip + 1, source.skip + 12))
        source.heads[#source.heads + 1] = { number = number, id = ids[i] }
      end
    end
  until #source.heads > 0 or source.ended
end

local function head_of(source)
  if source.at > #source.heads and not source.ended then fill(source) end
  return source.heads[source.at]
end

-- ':' is the character after '9', so it stands behind every number.
local end_number = ':'
if below ~= '' then
  end_number = below
elseif before ~= '' then
  local approval = find(before)
  if not approval then return 'null' end
  end_number = approval.number
end
local sources = {}
local any_lapsed = call('ZCOUNT', APPROVAL_DUE, '-inf', int(now)) > 0
for _, source in ipairs(SOURCES[status]) do
  local name, counts = unpack(source)
  -- Where none has lapsed, all that are written as pending are, and none of them is expired.
  if any_lapsed or name == status or not counts then
    sources[#sources + 1] = open_list(name, any_lapsed and counts, end_number)
  end
end

local ids, numbers, go_on = {}, {}, nil
while #ids <= MOST do
  local newest
  for _, source in ipairs(sources) do
    local head = head_of(source)
    if head and (not newest or head.number > head_of(newest).number) then newest = source end
  end
  if not newest then break end
  local head = head_of(newest)
  if head.ends then
    go_on = head.number
    break
  end
  ids[#ids + 1], numbers[#numbers + 1] = head.id, head.number
  newest.at = newest.at + 1
end

local more = #ids > MOST
if more then ids[#ids] = nil end
if more and MOST < limit then go_on = numbers[MOST] end
local approvals, left = show_until(ids, LONG_SHOWN_AT_A_TIME, LONG_SHOWN_BYTES, function(chunk)
  local texts = call('HMGET', APPROVALS, unpack(chunk))
  for i, record in ipairs(texts) do texts[i] = show(parse(chunk[i], record)) end
  return texts
end)
if left then go_on = numbers[left - 1] end
return '{"approvals":[' .. table.concat(approvals, ',') .. '],"more":' .. tostring(more) ..
  (go_on and string.format(',"next":"%012.0f"', go_on) or '') .. '}'
