--[[ engine/batch: several operations of one kind in one call: what they share is read and written once, and defined once.

ARGV    1 and 2 as engine/state, then for each operation how many arguments follow, and these, as engine/begin numbers them
RETURN  what each operation answered
KEEPS   the operations happen in this order, each as it would alone. ]]
local given, answers, at = ARGV, {}, 3
while at <= #given do
  local last = at + given[at]
  ARGV = { unpack(given, at + 1, last) }
  answers[#answers + 1] = operation() or false
  at = last + 1
end
save_state()
return answers
