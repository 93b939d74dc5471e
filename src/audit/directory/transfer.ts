/**
 * Entries of the audit log on their way out of a directory.
 * @module
 */
import { given } from "../../given.ts";
import { settle } from "../../engine/directory/journal.ts";
import type { Engine } from "../../engine/directory/transaction.ts";
import type { ChangedPortion, PortionLimit, Source } from "../../transfer.ts";
import { type AuditRow, toEntry } from "../row.ts";
import type { AuditRecord } from "../transfer.ts";
import { JOURNALED_AUDIT } from "./journal.ts";

/** The audit log of a database that stands in for another store, which has the journal of it. */
export class DirectoryAuditTransfer implements Source<AuditRecord> {
  readonly #engine: Engine;

  /** Uses the engine's transactions. */
  constructor(engine: Engine) {
    this.#engine = engine;
  }

  changed(limit: PortionLimit): Promise<ChangedPortion<AuditRecord>> {
    return this.#engine.read((reader) => {
      const rows: AuditRow[] = [];
      let bytes = 0;
      while (rows.length < limit.records && bytes < limit.bytes) {
        const row = reader.get<AuditRow>(
          `SELECT audit.* FROM journal JOIN audit ON seq = journal.key
           WHERE kind = ? AND journal.key > ? ORDER BY journal.key LIMIT 1`,
          JOURNALED_AUDIT,
          rows.at(-1)?.seq ?? 0,
        );
        if (row === undefined) break;
        bytes += bytesOf(row);
        rows.push(row);
      }
      const last = rows.at(-1);
      const more = last !== undefined && reader.get(
            "SELECT 1 FROM journal WHERE kind = ? AND key > ? LIMIT 1",
            JOURNALED_AUDIT,
            last.seq,
          ) !== undefined;
      const records = rows.map((row) => ({
        entry: toEntry(row),
        ...given({ key: row.key ?? undefined }),
      }));
      return { records, keys: rows.map(({ seq }) => seq), more };
    });
  }

  settle(keys: readonly (string | number)[]): Promise<void> {
    return this.#engine.write(undefined, (tx) => settle(tx, JOURNALED_AUDIT, keys));
  }

  markAll(): Promise<void> {
    return this.#engine.write(undefined, (tx) => {
      tx.run(
        "INSERT INTO journal (kind, key) SELECT ?, seq FROM audit WHERE true ON CONFLICT DO NOTHING",
        JOURNALED_AUDIT,
      );
    });
  }
}

function bytesOf({ context, reason, refs }: AuditRow): number {
  return context.length + reason.length + refs.length;
}
