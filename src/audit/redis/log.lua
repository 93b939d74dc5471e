--[[ audit/log: adds an entry, unless its id or key is there already.

NEEDS   audit/append
ARGV    5.. the draft, see append_audit
RETURN  the entry: {stream id, {field, value…}} ]]
return finish(append_audit(unpack(ARGV, 5)))
