--[[ board/search: threads in which every one of these words occurs, newest first.

NEEDS   board/lookup
KEYS    board_words
ARGV    5 to 7 see board/lookup, 8.. words
RETURN  {"threads":[…],"more":…,"next"?:…} | null when there is no such thread to begin at ]]
local lists = {}
for i, word in ipairs({ unpack(ARGV, 8) }) do lists[i] = word .. '\0' end
return page(BOARD_WORDS, { lists })
