/**
 * How leases on locks begin, on the directory engine.
 * @module
 */
import { emit } from "../../event/directory/append.ts";
import type { Transaction } from "../../engine/directory/transaction.ts";
import type { LockRow } from "./rows.ts";

/** Inserts a lease and its other names, counted. Nothing that keeps it out is there. */
export function insertLease(tx: Transaction, row: LockRow, aliases: readonly string[] = []): void {
  tx.run(
    `INSERT INTO locks
       (path, fence, holder, mode, intent, ttl_ms, acquired_at_ms, expires_at_ms, task)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    row.path,
    row.fence,
    row.holder,
    row.mode,
    row.intent,
    row.ttl_ms,
    row.acquired_at_ms,
    row.expires_at_ms,
    row.task,
  );
  for (const alias of aliases) {
    tx.run("INSERT INTO lock_aliases VALUES (?, ?, ?)", alias, row.path, row.fence);
  }
  tx.count("locks", 1);
  if (aliases.length > 0) tx.count("lock_aliases", aliases.length);
}

/** Begins a lease, and tells of it. */
export function grantLease(tx: Transaction, row: LockRow, aliases?: readonly string[]): void {
  insertLease(tx, row, aliases);
  emit(tx, "lock.acquired", row.path, row.holder, { fence: row.fence, mode: row.mode });
}

/** Extends a lease to a time from now; never shortens it. */
export function extendLease(tx: Transaction, row: LockRow, ttlMs: number): LockRow {
  const expiresAtMs = Math.max(row.expires_at_ms, tx.nowMs + ttlMs);
  tx.run(
    "UPDATE locks SET ttl_ms = ?, expires_at_ms = ? WHERE path = ? AND fence = ?",
    ttlMs,
    expiresAtMs,
    row.path,
    row.fence,
  );
  return { ...row, ttl_ms: ttlMs, expires_at_ms: expiresAtMs };
}
