/**
 * Removing tasks that ended long ago, on the directory engine.
 * @module
 */
import { emit } from "../../event/directory/append.ts";
import type { PrunedPortion } from "../../prune.ts";
import type { Actor } from "../../engine/actor.ts";
import type { Transaction } from "../../engine/directory/transaction.ts";
import { ATTEMPTS_PRUNED_AT_ONCE, type EndedStatus, OLDER_KEPT } from "../model.ts";
import { removeAttempts } from "./attempts.ts";
import { COLUMNS, specOf, type TaskRow } from "./rows.ts";
import { markUnfinished, unlink } from "./dependencies.ts";
import type { PruneRequest } from "../store.ts";

/** How many tasks one operation looks at, whatever becomes of them. */
const LOOKED_AT = 500;

/** Removes those of the next tasks, in the order they were created, that ended before the instant. */
export function prune(
  tx: Transaction,
  { name }: Actor,
  { statuses, olderThanMs, after, dryRun }: PruneRequest,
): PrunedPortion {
  const beforeMs = tx.nowMs - olderThanMs;
  const next = tx.all<TaskRow>(
    `SELECT ${COLUMNS} FROM tasks WHERE seq > ? ORDER BY seq LIMIT ? + 0`,
    after,
    LOOKED_AT,
  );
  const rows = next.slice(0, withinPortion(next));
  // Later ones were created later, and so have ended later, too.
  const older = rows.filter((row) => specOf(row).createdAtMs < beforeMs);
  const ended = older.filter((row) =>
    (statuses as readonly string[]).includes(row.status) && row.updated_at_ms < beforeMs &&
    !isNeeded(tx, row)
  );
  if (!dryRun) {
    for (const row of ended) remove(tx, row);
    for (const [status, group] of Map.groupBy(ended, (row) => row.status as EndedStatus)) {
      tx.count(`tasks:${status}`, -group.length);
      emit(tx, "task.pruned", status, name, { count: group.length, olderThanMs });
    }
  }
  const goesOn = (rows.length < next.length || next.length === LOOKED_AT) &&
    older.length === rows.length;
  return { pruned: ended.length, ...(goesOn ? { next: rows.at(-1)!.seq } : {}) };
}

/** How many of the rows one operation looks at, so that it does not remove too many attempts. */
function withinPortion(rows: readonly TaskRow[]): number {
  let attempts = 0;
  const last = rows.findIndex(({ older }) =>
    (attempts += Math.min(older, OLDER_KEPT)) >= ATTEMPTS_PRUNED_AT_ONCE
  );
  return last === -1 ? rows.length : last + 1;
}

/** Whether others still wait for this task. */
export function isNeeded(tx: Transaction, { seq }: TaskRow): boolean {
  if (!tx.counts.task_links) return false;
  return tx.get("SELECT 1 FROM task_links WHERE on_seq = ? LIMIT 1", seq) !== undefined;
}

/** Removes a task that is not pending, and all that lies beside it. The counts of tasks are the caller's. */
export function remove(tx: Transaction, row: TaskRow): void {
  unlink(tx, row);
  removeAttempts(tx, row);
  markUnfinished(tx, row.seq, false);
  tx.run("DELETE FROM task_texts WHERE seq = ?", row.seq);
  tx.run("DELETE FROM tasks WHERE seq = ?", row.seq);
}
