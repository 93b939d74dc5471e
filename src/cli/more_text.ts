/**
 * What the program says below a list that was cut.
 * @module
 */
import { shellWords } from "./wrapper_words.ts";

/** What was left out, where that is known, and the command line that shows the next page. */
export function moreText(
  words: readonly string[],
  cursor: string,
  leftOut: string | undefined,
): string {
  const more = `More: ${shellWords(pageCommand(words, cursor))}`;
  return leftOut === undefined ? more : `Left out: ${leftOut}. ${more}`;
}

/** The command line given, for the page at `cursor`. */
function pageCommand(words: readonly string[], cursor: string): readonly string[] {
  const place = words.findIndex((word) => /^--cursor(?:=|$)/.test(word));
  if (place < 0) return ["agentcoord", ...words, "--cursor", cursor];
  const isApart = words[place] === "--cursor";
  const after = words.slice(place + (isApart ? 2 : 1));
  return ["agentcoord", ...words.slice(0, place), "--cursor", cursor, ...after];
}
