/**
 * Renewing what an agent holds, a portion a step, on the directory engine.
 * @module
 */
import type { Transaction } from "../../engine/directory/transaction.ts";

/** Behind which lease the next portion begins: one on a lock by path and fence, or a claimed task by rank. */
export type Portion =
  | { readonly path: string; readonly fence: number }
  | { readonly rank: number };

/**
 * Extends the live leases of one portion, each by its own length from now; none gets shorter.
 *
 * @returns where the next portion begins; `undefined` after the last one.
 */
export function renewPortion(
  tx: Transaction,
  holder: string,
  from: Portion | undefined,
  limit: number,
): Portion | undefined {
  let left = limit;
  if (from === undefined || "path" in from) {
    const locks = tx.counts.locks ? renewLocks(tx, holder, from, left) : [];
    if (locks.length === left) return locks.at(-1);
    left -= locks.length;
    from = { rank: -1 };
  }
  if (!tx.counts["tasks:claimed"]) return undefined;
  const tasks = renewTasks(tx, holder, from.rank, left);
  return tasks.length === left ? tasks.at(-1) : undefined;
}

function renewLocks(
  tx: Transaction,
  holder: string,
  { path, fence }: { readonly path: string; readonly fence: number } = { path: "", fence: 0 },
  limit: number,
): { path: string; fence: number }[] {
  const portion = tx.all<{ path: string; fence: number }>(
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
       AND expires_at_ms > ?1`,
    tx.nowMs,
    holder,
    path,
    fence,
    last.path,
    last.fence,
  );
  return portion;
}

function renewTasks(
  tx: Transaction,
  holder: string,
  rank: number,
  limit: number,
): { rank: number }[] {
  const portion = tx.all<{ rank: number }>(
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
  return portion;
}
