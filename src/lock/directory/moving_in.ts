/**
 * Taking locks over from another store, on the directory engine. No event is emitted: the store that they come from has
 * told of them.
 * @module
 */
import type { Transaction } from "../../engine/directory/transaction.ts";
import type { TransferConflict } from "../../transfer.ts";
import {
  leaseConflict,
  type LeaseRecord,
  type LockRecord,
  type LockWaiterRecord,
  type TakeLocksOptions,
} from "../transfer.ts";
import { letInAfter } from "../../task/directory/held_up.ts";
import { removeLease } from "./end_leases.ts";
import { insertLease } from "./grant.ts";
import { callWaiters, findWaiter, joinQueue, keepPlace } from "./queue.ts";
import { type Condition, firstOverlapping, leaseOf, type LockRow } from "./rows.ts";

/** Makes these records be there as told. */
export function takeLocks(
  tx: Transaction,
  records: readonly LockRecord[],
  { keepOthers = false }: TakeLocksOptions,
): TransferConflict[] {
  const conflicts: TransferConflict[] = [];
  const freed: string[] = [];
  let fence = 0;
  for (const record of records) {
    if (record.kind === "waiter") {
      takeWaiter(tx, record);
      continue;
    }
    fence = Math.max(fence, record.fence);
    if (record.kind === "lease") conflicts.push(...takeLease(tx, record, keepOthers, freed));
    else freed.push(...endLease(tx, record));
  }
  tx.startAbove({ fence, event: 0 });
  if (freed.length > 0) {
    callWaiters(tx, freed);
    letInAfter(tx, freed);
  }
  return conflicts;
}

function takeLease(
  tx: Transaction,
  record: LeaseRecord,
  keepOthers: boolean,
  freed: string[],
): TransferConflict[] {
  const { path, aliases = [], fence } = record;
  const expiresAtMs = tx.nowMs + record.leftMs;
  const known = leaseOf(tx, record);
  if (known !== undefined) {
    tx.run(
      "UPDATE locks SET ttl_ms = ?, expires_at_ms = ? WHERE path = ? AND fence = ?",
      record.ttlMs,
      Math.max(known.expires_at_ms, expiresAtMs),
      path,
      fence,
    );
    return [];
  }
  if (record.leftMs <= 0) return [];
  const names = [path, ...aliases];
  const higher = keepOthers ? conflicting(tx, names, record, fence) : undefined;
  if (higher !== undefined) return [leaseConflict(higher, record)];
  const conflicts: TransferConflict[] = [];
  for (let row; (row = conflicting(tx, names, record)) !== undefined;) {
    freed.push(...removeLease(tx, row));
    tx.count("locks", -1);
    conflicts.push(leaseConflict(record, row));
  }
  insertLease(tx, {
    path,
    fence,
    holder: record.holder,
    mode: record.mode,
    intent: record.intent,
    ttl_ms: record.ttlMs,
    acquired_at_ms: record.acquiredAtMs,
    expires_at_ms: expiresAtMs,
    task: record.taskId ?? null,
  }, aliases);
  return conflicts;
}

/** The first live lease that keeps this one out, of those with a higher fence than `above`. */
function conflicting(
  tx: Transaction,
  names: readonly string[],
  { path, holder, mode }: LeaseRecord,
  above = 0,
): LockRow | undefined {
  const condition: Condition = {
    // Who holds a path may hold what lies above or below it, too, but not the same one twice.
    sql: `expires_at_ms > ? AND fence > ? AND (mode = 'exclusive' OR ? = 'exclusive')
      AND (holder <> ? OR path = ?)`,
    values: [tx.nowMs, above, mode, holder, path],
  };
  for (const name of names) {
    const row = firstOverlapping(tx, name, condition);
    if (row !== undefined) return row;
  }
  return undefined;
}

function endLease(tx: Transaction, record: Pick<LeaseRecord, "path" | "fence">): string[] {
  const row = leaseOf(tx, record);
  if (row === undefined) return [];
  tx.count("locks", -1);
  return removeLease(tx, row);
}

/**
 * There is no waker to wake the process by until it has looked. The same goes for a waiter that was here before: its
 * process has been elsewhere since, so its waker may lead nowhere, and it would lose its place when it is called.
 */
function takeWaiter(tx: Transaction, { id, agent, mode, paths }: LockWaiterRecord): void {
  const place = findWaiter(tx, id);
  if (place !== undefined) return keepPlace(tx, place, "");
  joinQueue(tx, { id, waker: "" }, { agent, mode, names: paths });
}
