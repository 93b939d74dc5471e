--[[ engine/shown: records that may be long, read and shown a few at a time until they come to a number of bytes.

KEEPS   one answer holds about so many bytes, whatever is in the records. ]]

-- The texts that `texts_of` gives for these keys, of which it gets `size` at a time, until they come to more than
-- `most_bytes`, or about `most` keys were looked at if that is given; then where the keys begin that were left, nil
-- when none was.
local function show_until(keys, size, most_bytes, texts_of, most)
  local shown, bytes, first = {}, 0, 1
  while first <= #keys and bytes <= most_bytes and first <= (most or #keys) do
    for _, text in ipairs(texts_of({ unpack(keys, first, math.min(first + size - 1, #keys)) })) do
      shown[#shown + 1], bytes = text, bytes + #text
    end
    first = first + size
  end
  return shown, first <= #keys and first or nil
end
