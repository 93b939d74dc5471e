--[[ approval/use: marks an approved approval of the actor's as used.

NEEDS   approval/record
FLAGS   frees
ARGV    5 id, 6 digest of what is about to be done, or ""
RETURN  {"kind":"used"|"not_requester"|"not_approved"|"other_digest"|"used_before","approval":…,"nowMs":…}
        | {"kind":"not_found"}
KEEPS   an approval is used once. ]]
local id, digest = ARGV[5], ARGV[6]

local approval = find(id)
if not approval then return finish('{"kind":"not_found"}') end
if replayed(id, 'approval.used') then return finish(outcome('used', approval)) end
if approval.requester ~= ACTOR then return finish(outcome('not_requester', approval)) end
if approval.status ~= 'approved' then return finish(outcome('not_approved', approval)) end
if approval.digest ~= digest then return finish(outcome('other_digest', approval)) end
if approval.used ~= '' then return finish(outcome('used_before', approval)) end
approval.used = int(now)
save(approval)
emit('approval.used', id, ACTOR)
return finish(outcome('used', approval))
