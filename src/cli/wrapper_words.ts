/**
 * A command line as people read it and as a hash seals it.
 * @module
 */
import { printable } from "../name.ts";

/** A command line as a POSIX shell would read it, on one line; control characters in `$'…'`. */
export function shellWords(words: readonly string[]): string {
  return words.map((word) => {
    if (/^[\w@%+=:,./-]+$/.test(word)) return word;
    const escaped = printable(word, Infinity);
    if (escaped === word) return `'${word.replaceAll("'", `'\\''`)}'`;
    return `$'${printable(word.replace(/[\\']/g, "\\$&"), Infinity)}'`;
  }).join(" ");
}

/**
 * Identifies exactly this command line in exactly this directory: SHA-256 of the canonical JSON (sorted
 * keys, no white space) of `{"argv":[…],"cwd":"…"}`, as `sha256:` and hexadecimal digits.
 */
export async function commandDigest(argv: readonly string[], cwd: string): Promise<string> {
  const canonical = new TextEncoder().encode(JSON.stringify({ argv, cwd }));
  return `sha256:${new Uint8Array(await crypto.subtle.digest("SHA-256", canonical)).toHex()}`;
}
