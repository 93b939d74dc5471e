/**
 * The one row that every operation begins with: the store's clock and counters, checked as they are read.
 * @module
 */
import { damaged } from "./failure.ts";
import type { ClockRow } from "./clock.ts";

/** What can be asked for the row: a database. */
interface Gets {
  version(): number;
  get<Row>(sql: string, values: readonly []): Row | undefined;
}

/** The row as it is in the database. */
export interface StateRow extends ClockRow {
  readonly fence: number;
  readonly event: number;
  readonly commits: number;
  readonly counts: string;
}

/**
 * Reads the row.
 *
 * @throws {StoreUnavailableError} when it is missing, or holds what no operation writes; and when the schema is newer
 * than this program.
 */
export function readState(db: Gets, path: string): StateRow {
  // A newer program may have brought the schema forward since this process opened the database.
  db.version();
  const row = db.get<StateRow>("SELECT * FROM state", []);
  if (row === undefined) throw damaged(path, "its state row is missing");
  for (const [name, value] of Object.entries(row)) {
    if (name === "counts" || (value === null && name.startsWith("anchor_"))) continue;
    if (!Number.isSafeInteger(value) || (value as number) < 0) {
      throw damaged(path, `its state row has no number for ${name}`);
    }
  }
  return row;
}

/**
 * Reads the counters of a state row.
 *
 * @throws {StoreUnavailableError} when they are no numbers by name.
 */
export function parseCounts({ counts }: StateRow, path: string): Record<string, number> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(counts);
  } catch (error) {
    throw damaged(path, "its state row holds counters that are not JSON", error);
  }
  if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) {
    if (Object.values(parsed).every(Number.isSafeInteger)) return parsed as Record<string, number>;
  }
  throw damaged(path, "its state row holds counters that are no numbers");
}
