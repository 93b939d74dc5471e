--[[ agent/explain: one agent with what it holds, a portion per operation.

NEEDS   agent/rows, lock/end_leases, task/shown_claims
ARGV    5 name, 6 leases in a portion, 7 where the portion begins, "" at first
RETURN  {nowMs, agents, locks: [lease…], tasks: [{id, seq, title, sinceMs}…], next: where the next portion begins, ""
        after the last one}; nowMs and agents in the first only; "" when nobody has that name ]]
local NAME, PORTION, FROM = unpack(ARGV, 5, 7)
local record = call('HGET', AGENTS, NAME)
if not record then return '' end
local members, claimed, following = held_portion(NAME, FROM, PORTION, claim_bytes)

local agent = FROM == '' and string.sub(answer_with({ shown_agent(NAME, record) }), 1, -2) .. ',' or '{'
return agent .. '"locks":' .. show_all(live_leases(members)) .. ',"tasks":' .. shown_claims(claimed) ..
  ',"next":' .. cjson.encode(following) .. '}'
