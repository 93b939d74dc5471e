--[[ board/list: threads of a status, an author, and tags, newest first.

NEEDS   board/lookup
KEYS    board_lists
ARGV    5 to 7 see board/lookup, 8 status or "", 9.. facets, see board/filing
RETURN  {"threads":[…],"more":…,"next"?:…} | null when there is no such thread to begin at ]]
local facets = { unpack(ARGV, 9) }
if #facets == 0 then facets[1] = '' end
local groups = {}
for _, status in ipairs(ARGV[8] ~= '' and { ARGV[8] } or { 'active', 'waiting', 'resolved' }) do
  local lists = {}
  for i, facet in ipairs(facets) do lists[i] = facet .. '\0' .. status .. '\0' end
  groups[#groups + 1] = lists
end
return page(BOARD_LISTS, groups)
