/**
 * The first bytes of a database file, read without the engine (https://www.sqlite.org/fileformat.html, 1.3).
 *
 * Whatever the engine does with a file may change the files beside it, so one that cannot be a store's is
 * refused before. All that is compared here is written when a store is made and never again, so what the log
 * holds makes no difference.
 * @module
 */
import { damaged } from "./failure.ts";

/** Length of the header of every database. */
export const HEADER_BYTES = 100;

/** What each store's header has at these places. */
const FIXED: readonly (readonly [at: number, bytes: readonly number[], what: string])[] = [
  [0, [...new TextEncoder().encode("SQLite format 3\0")], "file is not a database"],
  // Write-ahead log for reading and for writing, no bytes kept free, payload fractions.
  [18, [2, 2, 0, 64, 32, 32], "its header is not that of a store"],
  // Schema format 4.
  [44, [0, 0, 0, 4], "its header has another format"],
  // UTF-8.
  [56, [0, 0, 0, 1], "its header has another encoding"],
];

/**
 * Whether the file has the mark of this program; a file without it is another program's.
 *
 * @throws {StoreUnavailableError} when it has the mark, and a header that no store has.
 */
export function hasOwnHeader(path: string, applicationId: number): boolean {
  const header = new Uint8Array(HEADER_BYTES);
  using file = Deno.openSync(path, { read: true });
  for (let length = 0; length < HEADER_BYTES;) {
    const count = file.readSync(header.subarray(length));
    if (count === null) throw damaged(path, `it has ${length} bytes`);
    length += count;
  }
  const [magic, ...others] = FIXED;
  const differs = ([at, bytes]: typeof FIXED[number]) =>
    bytes.some((byte, index) => header[at + index] !== byte);
  if (differs(magic!)) throw damaged(path, magic![2]);
  if (new DataView(header.buffer).getUint32(68) !== applicationId) return false;
  const wrong = others.find(differs);
  if (wrong !== undefined) throw damaged(path, wrong[2]);
  return true;
}
