--[[ agent/explain: one agent with what it holds; needs agent/rows and lock/give_back.

ARGV    5 name
RETURN  {nowMs, agents, locks: [lease…], tasks: [{id, s: its spec, see task/rows, sinceMs}…]}; "" when
        nobody has that name ]]
local NAME = ARGV[5]
local record = call('HGET', AGENTS, NAME)
if not record then return '' end
local leases = show_all(leases_held_by(NAME))
local tasks = {}
for _, id in ipairs(tasks_held_by(NAME)) do
  local kept = call('HMGET', TASKS, id, id .. 'w')
  tasks[#tasks + 1] = '{"id":"' .. id .. '","s":' .. kept[1] ..
    ',"sinceMs":' .. int(cjson.decode(kept[2]).started) .. '}'
end
return string.sub(answer_with({ shown_agent(NAME, record) }), 1, -2) ..
  ',"locks":' .. leases .. ',"tasks":[' .. table.concat(tasks, ',') .. ']}'
