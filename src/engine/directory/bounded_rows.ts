/**
 * Reading rows whose texts may be long: one operation reads a bounded length of them, and the next one goes on.
 * @module
 */
import { SHOWN_BYTES } from "../shown.ts";

/** How many rows are read at a time: few at first, more while they are short. */
const FEWEST = 8;
const MOST = 256;

/** The rows of one operation. */
export interface BoundedRows<Row> {
  readonly rows: readonly Row[];
  /** Whether the operation ended because they are long: there may be others. */
  readonly cut: boolean;
}

/**
 * The first rows, at most `limit`, and fewer when they are long.
 *
 * @param read the next rows behind one, or the first ones, at most so many
 * @param charsOf how long the texts of a row are
 */
export function boundedRows<Row>(
  limit: number,
  read: (behind: Row | undefined, most: number) => readonly Row[],
  charsOf: (row: Row) => number,
): BoundedRows<Row> {
  const rows: Row[] = [];
  let chars = 0;
  for (let size = FEWEST; rows.length < limit;) {
    if (chars >= SHOWN_BYTES) return { rows, cut: true };
    const most = Math.min(size, limit - rows.length);
    const before = chars;
    const chunk = read(rows.at(-1), most);
    for (const row of chunk) chars += charsOf(row);
    rows.push(...chunk);
    if (chunk.length < most) break;
    if (chars - before < SHOWN_BYTES / 8) size = Math.min(size * 2, MOST);
  }
  return { rows, cut: false };
}
