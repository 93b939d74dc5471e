--[[ audit/take: takes entries of another store over, behind the last one, each with a link of its place here; one that is
there already by its id is passed over.

NEEDS   audit/append, engine/conflicts
KEYS    audit, audit_ids, audit_keys
ARGV    5.. of each entry: its instant, then the draft, see append_audit
RETURN  [id…], JSON: those taken over without their key, which another entry has
KEEPS   instants never run backwards along the chain: one that would gets that of the entry before. ]]
local FIELDS = 9
local without_key = {}
local taken = false
local newest = call('XREVRANGE', AUDIT, '+', '-', 'COUNT', 1)[1]
local earliest = newest and tonumber(audit_field(newest, 'created_at_ms')) or 0
for first = 5, #ARGV, FIELDS do
  local at, id, agent, type, context, reason, refs, content_hash, key = unpack(ARGV, first, first + FIELDS - 1)
  local known = call('HGET', AUDIT_IDS, id)
  if not (known and entry_at(known)) then
    earliest, taken = math.max(earliest, tonumber(at)), true
    if key ~= '' and call('HEXISTS', AUDIT_KEYS, key) == 1 then
      without_key[#without_key + 1], key = cjson.encode(id), ''
    end
    link_entry(earliest, id, agent, type, context, reason, refs, content_hash, key)
  end
end
if taken then
  -- No entry is later than the clock.
  if earliest > now then now, dirty = earliest, true end
  notify('audit')
end
return finish(keep_conflicts('audit', without_key))
