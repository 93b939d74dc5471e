--[[ task/format: what is written of a task, the same on the fast path and elsewhere: its place in the queue, and the work
on it, see task/rows. ]]
local REGION, PRIORITY = 562949953421312, 17592186044416
-- Pending tasks that are held up have their ranks, and so their places, in the same order behind all others: see
-- task/held_up.
local HELD_UP, HELD_UP_FROM = 281474976710656, '\0000281474976710656'
-- The second region of TASK_ORDER, which holds the pending tasks: those that are not held up are from here to there.
local PENDING_FROM, PENDING_TO = '562949953421312', '(844424930131968'

-- The queue's order within its region: the higher priority first, then the one created first.
local function rank_of(priority, seq)
  return (9 - priority) * PRIORITY + seq
end

-- The work on a task that has a worker, as JSON. What task/fast reads by a pattern comes first, in this order; fence and
-- seq are text, more and seq may be nil, rest is text of the other members.
local function work_text(status, worker, fence, more, seq, rest)
  return '{"status":"' .. status .. '","worker":"' .. worker .. '","fence":' .. fence .. (more and ',"more":true' or '')
    .. (seq and ',"seq":' .. seq or '') .. ',' .. rest .. '}'
end

-- What stands behind the tag in TASK_TAGS, of each tag of a pending task of this rank.
local function place_by_rank(rank, id)
  return '\0' .. string.format('%016.0f', rank) .. '\0' .. id
end

local function tag_place(priority, seq, id)
  return place_by_rank(rank_of(priority, seq), id)
end
