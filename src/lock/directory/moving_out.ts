/**
 * What is told of the locks of a directory that has been in another store's place.
 * @module
 */
import { journaled, settle } from "../../engine/directory/journal.ts";
import type { Reader, Transaction } from "../../engine/directory/transaction.ts";
import { parseRowTexts } from "../../engine/directory/row_json.ts";
import { given } from "../../given.ts";
import type { ChangedPortion, PortionLimit } from "../../transfer.ts";
import type { LeaseRecord, LockRecord, LockWaiterRecord } from "../transfer.ts";
import { ENDED_LOCK_KIND, LOCK_KIND } from "./journal.ts";
import type { WaiterRow } from "./queue.ts";
import type { LockRow } from "./rows.ts";

/** Some of the leases that were changed: first those that ended, so that none of them stands in the way of a later one. */
export function changedLocks(reader: Reader, limit: PortionLimit): ChangedPortion<LockRecord> {
  const ended = journaled<string>(reader, ENDED_LOCK_KIND, limit.records + 1);
  const living = ended.length > limit.records
    ? []
    : journaled<string>(reader, LOCK_KIND, limit.records + 1 - ended.length);
  const changed = [...ended.map(endedLease), ...living.map((key) => changedLease(reader, key))];
  const records: LockRecord[] = [];
  const keys: string[] = [];
  let bytes = 0;
  for (const { key, record } of changed.slice(0, limit.records)) {
    if (record !== undefined) {
      bytes += JSON.stringify(record).length;
      if (records.length > 0 && bytes > limit.bytes) break;
      records.push(record);
    }
    keys.push(key);
  }
  return { records, keys, more: keys.length < changed.length };
}

/** Takes these out of the journal. */
export function settleLocks(tx: Transaction, keys: readonly (string | number)[]): void {
  const isLiving = (key: string | number) => String(key).startsWith("[");
  settle(tx, LOCK_KIND, keys.filter(isLiving));
  settle(tx, ENDED_LOCK_KIND, keys.filter((key) => !isLiving(key)));
}

/** What is told under one key of the journal, if there is anything. */
interface ChangedLease {
  readonly key: string;
  readonly record: LockRecord | undefined;
}

function endedLease(key: string): ChangedLease {
  const space = key.indexOf(" ");
  const [path, fence] = [key.slice(space + 1), Number(key.slice(0, space))];
  return { key, record: { kind: "ended", path, fence } };
}

/** Of one that is there no more, its end is told under another key. */
function changedLease(reader: Reader, key: string): ChangedLease {
  const [path, fence] = JSON.parse(key) as [string, number];
  const row = reader.get<LockRow>("SELECT * FROM locks WHERE path = ? AND fence = ?", path, fence);
  if (row === undefined) return { key, record: undefined };
  const hasLapsed = row.expires_at_ms <= reader.nowMs;
  return { key, record: hasLapsed ? { kind: "ended", path, fence } : leaseRecord(reader, row) };
}

/** Every lease that lives. */
export function livingLocks(reader: Reader): LeaseRecord[] {
  return reader.all<LockRow>("SELECT * FROM locks WHERE expires_at_ms > ?", reader.nowMs)
    .map((row) => leaseRecord(reader, row));
}

/** Whether this very lease lives. */
export function livesHere(
  reader: Reader,
  { path, fence }: Pick<LeaseRecord, "path" | "fence">,
): boolean {
  const sql = "SELECT 1 FROM locks WHERE path = ? AND fence = ? AND expires_at_ms > ?";
  return reader.get(sql, path, fence, reader.nowMs) !== undefined;
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
