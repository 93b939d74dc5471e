--[[ task/update: changes what the creator said of a task that waits.

NEEDS   task/choice
ARGV    6 names of the fields that change, a JSON list; then each field, "" where it stays: 7 priority  8
        length of a lease  9 most attempts  10 = and tags joined by commas  11 backoff kind  12 its base  13
        not before, or null for now  14 title  15 description, as JSON  16 members of the object that ends
        the spec, a line each; a member that is not among them stays as it is
RETURN  as task/choice ]]
local task = chosen_task()
if not task then return finish('{"kind":"unknown"}') end
if replayed('task.updated', task.id) then return answer('done', task) end
local work, from = task.work, task.work.status
if from ~= 'scheduled' and from ~= 'blocked' and from ~= 'pending' then return answer('refused', task) end

local function given(at, old)
  return ARGV[at] ~= '' and ARGV[at] or old
end

-- The lines of the spec after its first.
local title, description, details = string.match(task.spec, '^[^\n]*\n([^\n]*),\n([^\n]*),\n{(.*)}%]$')
local members, places = {}, {}
for line in string.gmatch(details .. (ARGV[16] ~= '' and '\n' .. ARGV[16] or ''), '[^\n]+') do
  local name = string.match(line, '^"([^"]*)":')
  places[name] = places[name] or #members + 1
  members[places[name]] = string.sub(line, -1) == ',' and string.sub(line, 1, -2) or line
end
local start = given(13, task.start and int(task.start) or 'null')
if from == 'pending' then leave_queue(task) end
local tags = ARGV[10] ~= '' and string.sub(ARGV[10], 2) or task.tags
local spec = '[' .. int(task.seq) .. ',' .. given(7, task.priority) .. ',' .. given(8, task.lease) .. ','
  .. given(9, task.max) .. ',"' .. tags .. '","' .. given(11, task.kind) .. '",' .. given(12, task.base)
  .. ',' .. start .. ',' .. task.created .. ',"' .. task.by .. '","' .. task.needs .. '",\n'
  .. given(14, title) .. ',\n' .. given(15, description) .. ',\n{' .. table.concat(members, ',\n') .. '}]'
call('HSET', TASKS, task.id, spec)
local due = task.due
task = parse(task.id, spec, encode(work))
task.due, task.work.updated = due, now
if from == 'pending' then enter_queue(task) end
-- A wait that nobody asked to change, such as that after a failure, goes on.
if ARGV[13] ~= '' then wait(task, task.start) end
save(task, from)
emit('task.updated', task.id, ACTOR, '{"fields":' .. ARGV[6] .. '}')
return answer('done', task)
