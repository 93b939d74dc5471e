/**
 * Bytes that somebody gave us, as text.
 * @module
 */
import { InvalidArgumentError } from "../errors.ts";

/**
 * The text that `bytes` are in UTF-8, without a byte order mark.
 *
 * @param source what the bytes come from, as a message names it
 * @throws {InvalidArgumentError} naming the first byte that is not UTF-8.
 */
export function utf8Text(bytes: Uint8Array, source: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    const offset = validLength(bytes);
    const line = bytes.subarray(0, offset).filter((byte) => byte === 0x0a).length + 1;
    const byte = (bytes[offset] ?? 0).toString(16).padStart(2, "0");
    throw new InvalidArgumentError(
      `Cannot read ${source}: byte ${offset + 1} (0x${byte}, in line ${line}) is not UTF-8; ` +
        "convert it to UTF-8",
      { field: source, offset, line },
    );
  }
}

/** How many bytes at the start of `bytes` are whole characters in UTF-8. */
function validLength(bytes: Uint8Array): number {
  // Halving works, as more bytes never make a beginning valid again.
  let good = 0;
  let bad = bytes.length + 1;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (begin(bytes.subarray(0, middle)) === undefined) bad = middle;
    else good = middle;
  }
  // A character that has begun but not ended is held back by the decoder.
  return new TextEncoder().encode(begin(bytes.subarray(0, good))).length;
}

/** The whole characters in `bytes`, whose last may be cut off; `undefined` when they are not UTF-8. */
function begin(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, {
      stream: true,
    });
  } catch {
    return undefined;
  }
}
