/**
 * What is told of the locks of a directory that has been in another store's place.
 * @module
 */
import type { Reader } from "../../engine/directory/transaction.ts";
import { parseRowTexts } from "../../engine/directory/row_json.ts";
import { given } from "../../given.ts";
import type { ChangedPortion, PortionLimit } from "../../transfer.ts";
import type { LeaseRecord, LockRecord, LockWaiterRecord } from "../transfer.ts";
import { LOCK_KIND } from "./journal.ts";
import type { WaiterRow } from "./queue.ts";
import type { LockRow } from "./rows.ts";

/** One lease that was changed; only of one that lives there is more. */
type ChangedRow =
  & { readonly key: string; readonly its_path: string; readonly its_fence: number }
  & { readonly [Column in keyof LockRow]: LockRow[Column] | null };

/** Some of the leases that were changed. */
export function changedLocks(reader: Reader, limit: PortionLimit): ChangedPortion<LockRecord> {
  // Those that ended come first, so that none of them stands in the way of one that came after it.
  const rows = reader.all<ChangedRow>(
    `SELECT j.key, j.key ->> 0 its_path, j.key ->> 1 its_fence, l.*
     FROM journal j LEFT JOIN locks l
       ON l.path = j.key ->> 0 AND l.fence = j.key ->> 1 AND l.expires_at_ms > ?
     WHERE j.kind = ? ORDER BY l.fence IS NOT NULL, j.key LIMIT ? + 0`,
    reader.nowMs,
    LOCK_KIND,
    limit.records + 1,
  );
  const records: LockRecord[] = [];
  let bytes = 0;
  for (const row of rows.slice(0, limit.records)) {
    const record = recordOf(reader, row);
    bytes += JSON.stringify(record).length;
    if (records.length > 0 && bytes > limit.bytes) break;
    records.push(record);
  }
  const keys = rows.slice(0, records.length).map(({ key }) => key);
  return { records, keys, more: rows.length > records.length };
}

function recordOf(reader: Reader, row: ChangedRow): LockRecord {
  if (row.fence === null) return { kind: "ended", path: row.its_path, fence: row.its_fence };
  return leaseRecord(reader, row as LockRow);
}

function leaseRecord(reader: Reader, row: LockRow): LeaseRecord {
  const aliases = reader.counts.lock_aliases
    ? reader.all<{ alias: string }>(
      "SELECT alias FROM lock_aliases WHERE path = ? AND fence = ? ORDER BY alias",
      row.path,
      row.fence,
    ).map(({ alias }) => alias)
    : [];
  return {
    kind: "lease",
    path: row.path,
    ...given({ aliases: aliases.length === 0 ? undefined : aliases }),
    holder: row.holder,
    fence: row.fence,
    mode: row.mode,
    intent: row.intent,
    ttlMs: row.ttl_ms,
    acquiredAtMs: row.acquired_at_ms,
    leftMs: row.expires_at_ms - reader.nowMs,
    ...given({ taskId: row.task ?? undefined }),
  };
}

/** Everybody who waits for locks, in order. */
export function waitersOf(reader: Reader): LockWaiterRecord[] {
  return reader.all<WaiterRow>("SELECT * FROM lock_waiters ORDER BY seq").map((row) => ({
    kind: "waiter",
    id: row.id,
    agent: row.agent,
    mode: row.mode,
    paths: parseRowTexts(row.paths, "a waiter for locks"),
  }));
}
