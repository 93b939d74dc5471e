/**
 * What one agent holds of tasks, on the directory engine; agents put it together with what other rooms have.
 * Leases past their expiry count for nothing, swept or not. How all of it is released is in release_tasks.ts.
 * @module
 */
import { lapsingOf } from "../../engine/directory/lapsing.ts";
import type { Reader, Transaction } from "../../engine/directory/transaction.ts";
import type { LapsingLease } from "../../engine/warning.ts";
import { renewWithClaims } from "../../lock/directory/held.ts";

/** Behind which claim the next portion of an agent's claims begins. */
export interface ClaimPlace {
  readonly rank: number;
}

/** A task that an agent has claimed. */
export interface Claim extends ClaimPlace {
  readonly id: string;
  readonly title: string;
  /** The number of its creation. */
  readonly seq: number;
  /** When it was claimed. */
  readonly sinceMs: number;
}

/** SQL that tells whether the agent `name` of the query around it has a live claim at `?1`; empty when nobody has. */
export function holdsAny({ counts }: Reader): string {
  return counts["tasks:claimed"]
    ? "EXISTS (SELECT 1 FROM tasks WHERE holder = name AND due_at_ms > ?1)"
    : "";
}

/** How many live claims the agent holds. */
export function countHeld(reader: Reader, holder: string): number {
  if (!reader.counts["tasks:claimed"]) return 0;
  return reader.get<{ n: number }>(
    "SELECT COUNT(*) n FROM tasks WHERE holder = ? AND due_at_ms > ?",
    holder,
    reader.nowMs,
  )!.n;
}

/** The next tasks that the agent has claimed, as the queue would have them; fewer than `limit` when there are no more. */
export function claimsOf(
  reader: Reader,
  holder: string,
  { rank }: ClaimPlace = { rank: -1 },
  limit: number,
): readonly Claim[] {
  return reader.all<Claim>(
    `SELECT id, rank, seq, json_extract(spec, '$.title') AS title, started_at_ms AS sinceMs
     FROM tasks WHERE holder = ? AND rank > ? AND due_at_ms > ? ORDER BY rank LIMIT ? + 0`,
    holder,
    rank,
    reader.nowMs,
    limit,
  );
}

/** Live claims that lapse soon, the soonest first. */
export function lapsing(reader: Reader, holder: string): LapsingLease[] {
  if (!reader.counts["tasks:claimed"]) return [];
  return lapsingOf(
    reader,
    "task",
    holder,
    `SELECT id subject, due_at_ms due_ms, lease_ms length_ms FROM tasks
     WHERE holder = ?1 ORDER BY rank`,
  );
}

/**
 * Extends the live claims of one portion, each by its own length from now, with the leases on their paths; none gets
 * shorter.
 *
 * @returns the claims of the portion, live or not; fewer than `limit` when it is the last one.
 */
export function renewHeld(
  tx: Transaction,
  holder: string,
  { rank }: ClaimPlace = { rank: -1 },
  limit: number,
): readonly ClaimPlace[] {
  if (!tx.counts["tasks:claimed"]) return [];
  const portion = tx.all<ClaimPlace>(
    "SELECT rank FROM tasks WHERE holder = ? AND rank > ? ORDER BY rank LIMIT ? + 0",
    holder,
    rank,
    limit,
  );
  const last = portion.at(-1);
  if (last === undefined) return portion;
  tx.run(
    `UPDATE tasks SET due_at_ms = MAX(due_at_ms, ?1 + lease_ms)
     WHERE holder = ?2 AND rank > ?3 AND rank <= ?4 AND due_at_ms > ?1`,
    tx.nowMs,
    holder,
    rank,
    last.rank,
  );
  const claims = tx.all<{ id: string; due_at_ms: number }>(
    "SELECT id, due_at_ms FROM tasks WHERE holder = ? AND rank > ? AND rank <= ? AND due_at_ms > ?",
    holder,
    rank,
    last.rank,
    tx.nowMs,
  );
  renewWithClaims(tx, holder, claims);
  return portion;
}
