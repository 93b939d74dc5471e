/**
 * What counts as a word when the board is searched: the same on every store, for what is written and for
 * what is looked for.
 * @module
 */

const LETTERS = "[\\p{L}\\p{N}\\p{M}]";
/** Scripts written without spaces between words. */
const UNSPACED =
  "[\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}\\p{sc=Thai}\\p{sc=Lao}\\p{sc=Khmer}" +
  "\\p{sc=Myanmar}]";
/**
 * Letters, digits and marks are words; everything else separates them. In a script without spaces each
 * character counts as one.
 */
const WORD = new RegExp(`[${LETTERS}&&${UNSPACED}]|[${LETTERS}--${UNSPACED}]+`, "gv");
/** Accents, as they stand apart from their letters in the decomposed form. */
const ACCENTS = /[\u0300-\u036f]/g;
/** Of anything longer, only the beginning counts. */
const MAX_WORD = 64;

/**
 * The words of a text without repeats: lower case, without accents, compatibility forms made equal.
 *
 * @example
 * ```ts
 * import { wordsIn } from "./words.ts";
 * wordsIn("Café: re-deploy café"); // ["cafe", "re", "deploy"]
 * ```
 */
export function wordsIn(text: string): string[] {
  const plain = text.toLowerCase().normalize("NFKD").replace(ACCENTS, "").normalize("NFC");
  return [...new Set(plain.match(WORD)?.map((word) => word.slice(0, MAX_WORD)))];
}
