/**
 * Approvals on their way out of a directory.
 * @module
 */
import { journaled, settle } from "../../engine/directory/journal.ts";
import type { Engine, Reader } from "../../engine/directory/transaction.ts";
import type { ChangedPortion, PortionLimit, Source } from "../../transfer.ts";
import type { ApprovalRecord } from "../transfer.ts";
import { JOURNALED_APPROVALS, REMOVED_APPROVALS } from "./journal.ts";
import { type ApprovalRow, charsOf, toApproval } from "./store.ts";

/** The approvals of a database that stands in for another store, and has the journal of approvals. */
export class DirectoryApprovalTransfer implements Source<ApprovalRecord> {
  readonly #engine: Engine;

  /** Uses the engine's transactions. */
  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** In the order in which they were asked for; then those that were removed. */
  changed(limit: PortionLimit): Promise<ChangedPortion<ApprovalRecord>> {
    return this.#engine.read((reader) => changed(reader, limit));
  }

  settle(keys: readonly (string | number)[]): Promise<void> {
    return this.#engine.write(undefined, (tx) => {
      settle(tx, JOURNALED_APPROVALS, keys.filter((key) => typeof key === "number"));
      settle(tx, REMOVED_APPROVALS, keys.filter((key) => typeof key === "string"));
    });
  }

  /** Of those that were removed, the ones not settled yet stay: a server may have got an older memory back. */
  markAll(): Promise<void> {
    return this.#engine.write(undefined, (tx) => {
      tx.run(
        "INSERT INTO journal (kind, key) SELECT ?, seq FROM approvals WHERE true ON CONFLICT DO NOTHING",
        JOURNALED_APPROVALS,
      );
    });
  }
}

function changed(reader: Reader, limit: PortionLimit): ChangedPortion<ApprovalRecord> {
  const records: ApprovalRecord[] = [];
  const keys: (string | number)[] = [];
  const there = journaled<number>(reader, JOURNALED_APPROVALS, limit.records + 1);
  for (let bytes = 0; keys.length < Math.min(there.length, limit.records);) {
    const seq = there[keys.length]!;
    const row = reader.get<ApprovalRow & { key: string | null }>(
      "SELECT * FROM approvals WHERE seq = ?",
      seq,
    );
    if (row !== undefined) {
      bytes += charsOf(row);
      if (bytes > limit.bytes && records.length > 0) return { records, keys, more: true };
      // What time has changed, the other store's clock says anew.
      const approval = toApproval(row, -Infinity);
      records.push(row.key === null ? approval : { ...approval, key: row.key });
    }
    keys.push(seq);
  }
  const left = limit.records - keys.length;
  const removed = journaled<string>(reader, REMOVED_APPROVALS, left + 1);
  for (const id of removed.slice(0, left)) {
    records.push({ removed: id });
    keys.push(id);
  }
  return { records, keys, more: there.length > limit.records || removed.length > left };
}
