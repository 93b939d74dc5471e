--[[ engine/begin: how every operation begins: with the answer of an earlier try of it, or with its actor's sign of life.

ARGV    1 op: names this operation, "" for one that only reads    2 not an operation's, see engine/state
        3 actor's name, "" for none    4 1 or 0: whether its sign of life is due, then host, line feed, pid
        a script's own arguments come after them ]]
OP, ACTOR = ARGV[1], ARGV[3]
emitted, emitted_count = {}, 0
if is_retry then
  local _, answer = replay()
  if answer then return finish(answer) end
end
-- An agent whose sign of life is not due may have left since the last one: then this operation registers it again.
if ACTOR ~= '' and (string.sub(ARGV[4], 1, 1) == '1' or
  now - departed_at < DEPARTURE_MS and not call('ZSCORE', SEEN, ACTOR)) then
  local host, pid = string.match(ARGV[4], '^.(.*)\n(%d*)$')
  touch(ACTOR, host, pid)
end
