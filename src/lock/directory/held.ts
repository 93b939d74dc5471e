/**
 * What one agent holds of locks, on the directory engine; agents put it together with what other rooms have.
 * Leases past their expiry count for nothing, swept or not. How all of it is released is in end_leases.ts.
 * @module
 */
import { lapsingOf } from "../../engine/directory/lapsing.ts";
import type { Reader, Transaction } from "../../engine/directory/transaction.ts";
import type { LapsingLease } from "../../engine/warning.ts";

/** Behind which lease the next portion of an agent's leases begins. */
export interface LeasePlace {
  readonly path: string;
  readonly fence: number;
}

/** SQL that tells whether the agent `name` of the query around it holds a live lease at `?1`; empty when nobody does. */
export function holdsAny({ counts }: Reader): string {
  return counts.locks
    ? "EXISTS (SELECT 1 FROM locks WHERE holder = name AND expires_at_ms > ?1)"
    : "";
}

/** How many live leases the agent holds. */
export function countHeld(reader: Reader, holder: string): number {
  if (!reader.counts.locks) return 0;
  return reader.get<{ n: number }>(
    "SELECT COUNT(*) n FROM locks WHERE holder = ? AND expires_at_ms > ?",
    holder,
    reader.nowMs,
  )!.n;
}

/** Live leases that lapse soon, the soonest first; those of tasks are renewed with them. */
export function lapsing(reader: Reader, holder: string): LapsingLease[] {
  if (!reader.counts.locks) return [];
  return lapsingOf(
    reader,
    "lock",
    holder,
    `SELECT path subject, expires_at_ms due_ms, ttl_ms length_ms FROM locks
     WHERE holder = ?1 AND task IS NULL ORDER BY path, fence`,
  );
}

/**
 * Extends the live leases of one portion, each by its own length from now, but for those of tasks; none gets shorter.
 *
 * @returns the leases of the portion, live or not; fewer than `limit` when it is the last one.
 */
export function renewHeld(
  tx: Transaction,
  holder: string,
  { path, fence }: LeasePlace = { path: "", fence: 0 },
  limit: number,
): readonly LeasePlace[] {
  if (!tx.counts.locks) return [];
  const portion = tx.all<LeasePlace>(
    `SELECT path, fence FROM locks WHERE holder = ? AND (path, fence) > (?, ?)
     ORDER BY path, fence LIMIT ? + 0`,
    holder,
    path,
    fence,
    limit,
  );
  const last = portion.at(-1);
  if (last === undefined) return portion;
  tx.run(
    `UPDATE locks SET expires_at_ms = MAX(expires_at_ms, ?1 + ttl_ms)
     WHERE holder = ?2 AND (path, fence) > (?3, ?4) AND (path, fence) <= (?5, ?6)
       AND expires_at_ms > ?1 AND task IS NULL`,
    tx.nowMs,
    holder,
    path,
    fence,
    last.path,
    last.fence,
  );
  return portion;
}

/** Lets the live leases of these claims of an agent last as long as the claims. */
export function renewWithClaims(
  tx: Transaction,
  holder: string,
  claims: readonly { readonly id: string; readonly due_at_ms: number }[],
): void {
  if (!tx.counts.locks) return;
  const dueAtMs = new Map(claims.map(({ id, due_at_ms }) => [id, due_at_ms]));
  const tasks = tx.all<{ task: string }>(
    "SELECT DISTINCT task FROM locks WHERE holder = ? AND task IS NOT NULL AND expires_at_ms > ?",
    holder,
    tx.nowMs,
  );
  for (const { task } of tasks) {
    tx.run(
      `UPDATE locks SET expires_at_ms = MAX(expires_at_ms, ?)
       WHERE holder = ? AND task = ? AND expires_at_ms > ?`,
      dueAtMs.get(task) ?? 0,
      holder,
      task,
      tx.nowMs,
    );
  }
}
