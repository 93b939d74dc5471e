--[[ approval/get: an approval as it is now.

NEEDS   approval/record
ARGV    5 id
RETURN  the approval | null ]]
local approval = find(ARGV[5])
return approval and show(approval) or 'null'
