--[[ agent/explain: one agent with what it holds, a portion a step.

NEEDS   engine/held, agent/rows, lock/give_back
ARGV    5 name, 6 leases in a portion, 7 where the portion begins, "" at first
RETURN  {nowMs, agents, locks: [lease…], tasks: [{id, s: its spec, see task/rows, sinceMs}…], next: where the next
        portion begins, "" after the last one}; nowMs and agents in the first only; "" when nobody has that name ]]
local NAME, PORTION, FROM = unpack(ARGV, 5, 7)
local record = call('HGET', AGENTS, NAME)
if not record then return '' end
local members, claimed, following = held_portion(NAME, FROM, PORTION)
local tasks = {}
for _, id in ipairs(live_of(claimed, TASK_ORDER)) do
  local kept = call('HMGET', TASKS, id, id .. 'w')
  tasks[#tasks + 1] = '{"id":"' .. id .. '","s":' .. kept[1] ..
    ',"sinceMs":' .. int(cjson.decode(kept[2]).started) .. '}'
end
local agent = FROM == '' and string.sub(answer_with({ shown_agent(NAME, record) }), 1, -2) .. ',' or '{'
return agent .. '"locks":' .. show_all(live_leases(members)) .. ',"tasks":[' .. table.concat(tasks, ',') ..
  '],"next":' .. cjson.encode(following) .. '}'
