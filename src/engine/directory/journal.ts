/**
 * The journal of a database that stands in for another store: which records were changed in it, so that they can be
 * moved there. Triggers fill it, which a database has only when it is one of these.
 * @module
 */
import type { Reader, Transaction } from "./transaction.ts";

/** The DDL of the journal. `kind` is what a room calls its records, `key` the record's own. */
export const JOURNAL_TABLE = `
CREATE TABLE journal (
  kind TEXT NOT NULL,
  key ANY NOT NULL,
  PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
`;

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
  INSERT INTO journal VALUES ('${kind}', ${key(row)}) ON CONFLICT DO NOTHING;
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

/** Takes records out of the journal. */
export function settle(tx: Transaction, kind: string, keys: readonly (string | number)[]): void {
  for (const key of keys) tx.run("DELETE FROM journal WHERE kind = ? AND key = ?", kind, key);
}
