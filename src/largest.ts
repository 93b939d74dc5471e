/**
 * The size of what is kept, portion by portion: shared by the rooms whose records can grow.
 * @module
 */

/** The largest of the records that one operation of a store has looked at. */
export interface LargestPortion {
  /** Which one it is; absent when there was none. */
  readonly id?: string;
  /** What the store keeps of it, in bytes; about, where it is kept in many pieces. */
  readonly bytes: number;
  /** How many records were looked at. */
  readonly looked: number;
  /** Where to go on, with older records; absent at the end. */
  readonly next?: number;
}

/** What one operation found: rows in the order it looked at them, and whether it stopped at its limit. */
export function largestOf(
  rows: readonly { readonly id: string; readonly seq: number; readonly bytes: number }[],
  limit: number,
): LargestPortion {
  const [first, ...others] = rows;
  if (first === undefined) return { bytes: 0, looked: 0 };
  const { id, bytes } = others.reduce((most, row) => row.bytes > most.bytes ? row : most, first);
  const last = rows.at(-1)!;
  return {
    id,
    bytes,
    looked: rows.length,
    ...(rows.length === limit ? { next: last.seq } : {}),
  };
}
