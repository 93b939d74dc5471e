/**
 * Names that somebody may have meant by one that nobody has.
 * @module
 */

/**
 * The known name that looks most like `name`: the same but for case, or but for one letter left out, added,
 * changed or swapped with the next. Numbers count, since `worker-1` and `worker-2` are two agents.
 */
export function likeName(name: string, known: Iterable<string>): string | undefined {
  const folded = name.toLowerCase();
  let near: string | undefined;
  for (const other of known) {
    if (other === name) continue;
    const candidate = other.toLowerCase();
    if (candidate === folded) return other;
    if (near === undefined && differsByOneLetter(folded, candidate)) near = other;
  }
  return near;
}

function differsByOneLetter(a: string, b: string): boolean {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  // In names as short as these, one letter is most of it.
  if (long.length - short.length > 1 || short.length < 3) return false;
  let start = 0;
  while (start < short.length && short[start] === long[start]) start++;
  let end = 0;
  while (end < short.length - start && short.at(-1 - end) === long.at(-1 - end)) end++;
  const left = short.slice(start, short.length - end);
  const right = long.slice(start, long.length - end);
  if (/\d/.test(left + right)) return false;
  const isSwapped = left.length === 2 && left[0] === right[1] && left[1] === right[0];
  return right.length === 1 || isSwapped;
}
