--[[ lock/release_all: ends every tenure of the actor.

RETURN  [lease…] ]]
return finish(show_all(release_everything(ACTOR)), true)
