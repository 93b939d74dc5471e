/**
 * Texts of programs, made fit for the store: it takes no control characters.
 * @module
 */
import { stripVTControlCharacters } from "node:util";

/** What the store refuses in a text; see `checkText`. Lone surrogates cannot come out of a decoder. */
// deno-lint-ignore no-control-regex -- these are what is looked for
const UNSAFE = /[\0-\x08\x0b-\x1f\x7f-\x9f\p{Cs}\u202a-\u202e\u2066-\u2069]/gu;

/**
 * The end of a text without colours and control characters, at most `maxBytes` of it in UTF-8. Of lines that overwrote
 * each other (progress bars) each is a line of its own.
 */
export function storedText(text: string, maxBytes: number): string {
  const plain = stripVTControlCharacters(text).replace(/\r\n?/g, "\n").replace(UNSAFE, "\ufffd");
  const bytes = new TextEncoder().encode(plain);
  if (bytes.length <= maxBytes) return plain;
  let start = bytes.length - maxBytes;
  // Not within a character: its later bytes are 10xxxxxx.
  while (start < bytes.length && (bytes[start]! & 0xc0) === 0x80) start++;
  return new TextDecoder().decode(bytes.subarray(start));
}
