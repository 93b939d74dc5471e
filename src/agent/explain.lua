--[[ agent/explain: one agent with what it holds; needs agent/rows and lock/give_back.

ARGV    5 name
RETURN  {nowMs, agents, locks: [lease…]}; "" when nobody has that name ]]
local NAME = ARGV[5]
local record = call('HGET', AGENTS, NAME)
if not record then return '' end
local leases = show_all(leases_held_by(NAME))
return string.sub(answer_with({ shown_agent(NAME, record) }), 1, -2) .. ',"locks":' .. leases .. '}'
