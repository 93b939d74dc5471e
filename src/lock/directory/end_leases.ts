/**
 * How leases on locks end, on the directory engine: released, expired, broken, or all at once when their
 * holder leaves. In every case the waiters they kept out are woken, and the tasks that they held up are let in.
 * @module
 */
import { emit } from "../../event/directory/append.ts";
import type { Reader, Transaction } from "../../engine/directory/transaction.ts";
import { type Lease, LOCKS_EXPIRED_AT_ONCE } from "../model.ts";
import { letInAfter } from "../../task/directory/held_up.ts";
import { callWaiters } from "./queue.ts";
import { type LockRow, toLease } from "./rows.ts";

/** Ends these leases and calls whoever they kept waiting. */
export function endLeases(
  tx: Transaction,
  rows: readonly LockRow[],
  type: "lock.released" | "lock.expired" | "lock.broken",
  by: string,
  data?: Readonly<Record<string, unknown>>,
): Lease[] {
  if (rows.length === 0) return [];
  const names: string[] = [];
  for (const row of rows) {
    names.push(...removeLease(tx, row));
    emit(tx, type, row.path, by, { fence: row.fence, ...data });
  }
  tx.count("locks", -rows.length);
  callWaiters(tx, names);
  letInAfter(tx, names);
  return rows.map(toLease);
}

/** Removes a lease, uncounted; returns the names that it kept others from. */
export function removeLease(tx: Transaction, row: LockRow): string[] {
  tx.run("DELETE FROM locks WHERE path = ? AND fence = ?", row.path, row.fence);
  return [row.path, ...removeAliases(tx, row)];
}

function removeAliases(tx: Transaction, { path, fence }: LockRow): string[] {
  if (!tx.counts.lock_aliases) return [];
  const rows = tx.all<{ alias: string }>(
    "DELETE FROM lock_aliases WHERE path = ? AND fence = ? RETURNING alias",
    path,
    fence,
  );
  if (rows.length > 0) tx.count("lock_aliases", -rows.length);
  return rows.map(({ alias }) => alias);
}

/** The next live leases of one agent, by path; fewer than `limit` when it holds no more. */
export function leasesHeldBy(
  reader: Reader,
  holder: string,
  behind: Pick<Lease, "path" | "fence"> | undefined,
  limit: number,
): Lease[] {
  return heldBy(reader, holder, limit, behind).map(toLease);
}

/**
 * Ends the first live leases of an agent, by path, but for those of its tasks; fewer than `limit` when it holds no
 * more.
 */
export function releaseAll(tx: Transaction, holder: string, limit: number): Lease[] {
  const rows = heldBy(tx, holder, limit, undefined, "AND task IS NULL");
  return endLeases(tx, rows, "lock.released", holder);
}

/** Ends leases that have lapsed, oldest first, a bounded number per operation. */
export function sweepExpired(tx: Transaction): void {
  const rows = tx.all<LockRow>(
    `SELECT * FROM locks WHERE expires_at_ms <= ? ORDER BY expires_at_ms LIMIT ${LOCKS_EXPIRED_AT_ONCE}`,
    tx.nowMs,
  );
  for (const row of rows) endLeases(tx, [row], "lock.expired", row.holder);
}

/** When the first lease lapses that was not ended yet; absent when there is none. */
export function nextExpiryMs(tx: Transaction): number | undefined {
  const { due } = tx.get<{ due: number | null }>("SELECT MIN(expires_at_ms) AS due FROM locks")!;
  return due ?? undefined;
}

function heldBy(
  reader: Reader,
  holder: string,
  limit: number,
  { path, fence }: Pick<Lease, "path" | "fence"> = { path: "", fence: 0 },
  only = "",
): LockRow[] {
  return reader.all<LockRow>(
    `SELECT * FROM locks WHERE holder = ? AND expires_at_ms > ? AND (path, fence) > (?, ?) ${only}
     ORDER BY path, fence LIMIT ? + 0`,
    holder,
    reader.nowMs,
    path,
    fence,
    limit,
  );
}
