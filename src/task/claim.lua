--[[ task/claim: takes the best tasks; when there is none, the waiter gets in line.

KEYS    as task/change
ARGV    5 tags, joined by commas  6 any|all  7 count  8 length of the lease, or ""  9 waiter's id or ""  10 its bell
RETURN  {"tasks":[…],"retryInMs":…}; retryInMs says when time alone may bring one, absent when it will not ]]
local TAGS, MATCH, COUNT, ASKED, WAITER = ARGV[5], ARGV[6], tonumber(ARGV[7]), ARGV[8], ARGV[9]

local tasks, more
if REPEATED then tasks = claimed_before(recall()) end
if not tasks then tasks, more = claim(TAGS, MATCH, COUNT, ASKED ~= '' and ASKED, {}, {}) end
if tasks then
  if WAITER ~= '' then take_bell(WAITER) end
  wake_waiters()
  return finish('{"tasks":' .. tasks .. '}')
end
wake_waiters()
if WAITER ~= '' then hang_bell(WAITER, ARGV[10], MATCH, TAGS) end
local due = more and now or task_floor
if due == HUGE then return finish('{"tasks":[]}') end
return finish('{"tasks":[],"retryInMs":' .. int(due - now) .. '}')
