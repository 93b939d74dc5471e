--[[ event/notify_all: wakes those who wait on any of many topics; see engine/operation for one. ]]

-- Few of many topics are waited on: only those are dealt with one by one.
local function notify_all(topics)
  for i, listening in ipairs(call('HMGET', LISTENERS, unpack(topics))) do
    if listening then notify(topics[i]) end
  end
end
