--[[ agent/explain: one agent with what it holds, a portion a step.

NEEDS   engine/held, agent/rows, lock/end_leases
ARGV    5 name, 6 leases in a portion, 7 where the portion begins, "" at first
RETURN  {nowMs, agents, locks: [lease…], tasks: [{id, seq, title, sinceMs}…], next: where the next portion begins, ""
        after the last one}; nowMs and agents in the first only; "" when nobody has that name ]]
local NAME, PORTION, FROM = unpack(ARGV, 5, 7)
local record = call('HGET', AGENTS, NAME)
if not record then return '' end
local members, claimed, following = held_portion(NAME, FROM, PORTION)

-- The text that begins at this place of a JSON value, as JSON.
local function text_at(json, first)
  local at = first + 1
  while true do
    local char
    at, char = string.match(json, '()(["\\])', at)
    if char == '"' then return string.sub(json, first, at) end
    at = at + 2
  end
end

local tasks = {}
for _, id in ipairs(live_of(claimed, TASK_ORDER)) do
  -- Neither is parsed, for their texts may be long: the title begins the second line, see task/rows, and a quote
  -- within a text is written with a backslash.
  local spec, work = unpack(call('HMGET', TASKS, id, id .. 'w'))
  local seq, title = string.match(spec, '^%[(%d+),[^\n]*\n()')
  tasks[#tasks + 1] = '{"id":"' .. id .. '","seq":' .. seq .. ',"title":' .. text_at(spec, title) ..
    ',"sinceMs":' .. string.match(work, '"started":(%d+)') .. '}'
end
local agent = FROM == '' and string.sub(answer_with({ shown_agent(NAME, record) }), 1, -2) .. ',' or '{'
return agent .. '"locks":' .. show_all(live_leases(members)) .. ',"tasks":[' .. table.concat(tasks, ',') ..
  '],"next":' .. cjson.encode(following) .. '}'
