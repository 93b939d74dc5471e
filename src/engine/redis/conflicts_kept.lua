--[[ engine/conflicts_kept: what could not be taken over as it was told since records began to be moved.

KEYS    conflicts
RETURN  {room, a space, what the room answered of it, as JSON...}, in order ]]
return finish(call('ZRANGE', CONFLICTS, 0, -1))
