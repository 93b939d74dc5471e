--[[ task/shown_claims: what is shown of the tasks that an agent has claimed.

NEEDS   task/held ]]

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

-- The live ones of these claims as JSON: [{id, seq, title, sinceMs}…].
local function shown_claims(ids)
  local tasks = {}
  for _, id in ipairs(live_in_set(TASK_ORDER, ids)) do
    -- Neither is parsed, for their texts may be long: the title begins the second line, see task/rows, and a quote
    -- within a text is written with a backslash.
    local spec, work = unpack(call('HMGET', TASKS, id, id .. 'w'))
    local seq, title = string.match(spec, '^%[(%d+),[^\n]*\n()')
    tasks[#tasks + 1] = '{"id":"' .. id .. '","seq":' .. seq .. ',"title":' .. text_at(spec, title) ..
      ',"sinceMs":' .. string.match(work, '"started":(%d+)') .. '}'
  end
  return '[' .. table.concat(tasks, ',') .. ']'
end
