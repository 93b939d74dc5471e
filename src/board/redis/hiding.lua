--[[ board/hiding: takes a thread out of sight before it is removed; part of prune and take.

NEEDS   board/filing
KEYS    board_lists, board_removing, board_ids
BOARD_REMOVING  members of score 0: number of a thread that is being removed ]]

-- Takes the thread out of sight: nothing leads to it any more.
local function hide(thread)
  call('ZREM', BOARD_LISTS, unpack(places_of(thread)))
  if thread.priority == 'high' then call('ZREM', BOARD_LISTS, urgent_place(thread)) end
  call('HDEL', BOARD_IDS, 't' .. thread.id)
  local key = message_at(thread.number).key
  if key ~= '' then call('HDEL', BOARD_IDS, 'T' .. key) end
  thread.status = REMOVING
  save_thread(thread)
  call('ZADD', BOARD_REMOVING, 0, thread.number)
end
