/**
 * The journal of a database that stands in for another store: which records were changed in it, so that they can be
 * moved there. Triggers fill it, which a database has only when it is one of these.
 * @module
 */
import type { Reader, Transaction } from "./transaction.ts";

/**
 * The DDL of the journal. `kind` is what a room calls its records, `key` the record's own. `since_ms` is when it was
 * changed first since it was last moved, by the host's clock, or {@linkcode CARRIED}: it is for people alone, and
 * moving never looks at it.
 */
export const JOURNAL_TABLE = `
CREATE TABLE journal (
  kind TEXT NOT NULL,
  key ANY NOT NULL,
  since_ms INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS INTEGER)),
  PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
`;

/** In the place of an instant: the record was carried over from the other store, and has not been changed since. */
export const CARRIED = 0;

/** What a trigger does about a record that is in the journal already. */
export const NOTED = `ON CONFLICT DO UPDATE SET since_ms = excluded.since_ms
    WHERE journal.since_ms = ${CARRIED}`;

/** One kind of the journal, as people see it. */
export interface JournaledKind {
  /** What the journal calls it. */
  readonly kind: string;
  /** What its records are, as a conflict of moving calls them. */
  readonly record: string;
  /**
   * SQL that gives the path, identifier or name of the record that `journal.key` means; NULL where another entry of the journal
   * tells of it.
   */
  readonly subject: string;
  /** SQL that says whether the record is gone. */
  readonly isRemoved: string;
}

/**
 * The DDL of triggers that journal each change of a table's rows under `kind`. `key` is SQL that names the record by
 * the columns of `row`.
 */
export function journalTriggers(
  table: string,
  kind: string,
  key: (row: "NEW" | "OLD") => string,
): string {
  const trigger = (change: string, row: "NEW" | "OLD") =>
    `CREATE TRIGGER journal_${table}_${change.toLowerCase()} AFTER ${change} ON ${table} BEGIN
  INSERT INTO journal (kind, key) VALUES ('${kind}', ${key(row)})
    ${NOTED};
END;
`;
  return trigger("INSERT", "NEW") + trigger("UPDATE", "NEW") + trigger("DELETE", "OLD");
}

/** The first keys of records of this kind that were changed, in order. */
export function journaled<Key extends string | number>(
  reader: Reader,
  kind: string,
  limit: number,
): Key[] {
  return reader.all<{ key: Key }>(
    "SELECT key FROM journal WHERE kind = ? ORDER BY key LIMIT ? + 0",
    kind,
    limit,
  ).map(({ key }) => key);
}

/** All that is in the journal now was carried over, and nothing has been changed yet. */
export function markCarried(tx: Transaction): void {
  tx.run(`UPDATE journal SET since_ms = ${CARRIED}`);
}

/** Takes records out of the journal. */
export function settle(tx: Transaction, kind: string, keys: readonly (string | number)[]): void {
  for (const key of keys) tx.run("DELETE FROM journal WHERE kind = ? AND key = ?", kind, key);
}
