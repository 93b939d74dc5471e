/**
 * Releasing tasks that their holder gives up, on the directory engine.
 * @module
 */
import { emit } from "../../event/directory/append.ts";
import type { Transaction } from "../../engine/directory/transaction.ts";
import { COLUMNS, endAttempt, isDue, type TaskRow, wait } from "./rows.ts";
import { TaskOperation } from "./operation.ts";

/** Puts a claimed task back at its old place, from `notBeforeMs` on; the attempt does not count. */
export function release(
  operation: TaskOperation,
  row: TaskRow,
  { reason, notBeforeMs }: { readonly reason?: string; readonly notBeforeMs?: number } = {},
): void {
  const { tx } = operation;
  emit(tx, "task.released", row.id, row.holder!, { fence: row.fence });
  endAttempt(row, "released", tx.nowMs, reason);
  row.spent--;
  wait(row, notBeforeMs, tx.nowMs);
  operation.save(row, "claimed");
}

/**
 * Puts tasks that `holder` holds back into the queue at their old places, in the caller's operation: at most `limit`,
 * fewer when it holds no more. The attempts are recorded as `released` and do not count.
 *
 * @returns how many claims have ended, and how many of them were live.
 */
export function releaseAll(
  tx: Transaction,
  holder: string,
  limit: number,
): { readonly ended: number; readonly released: number } {
  const operation = new TaskOperation(tx);
  let released = 0;
  // In the order of the index; a portion has few enough to be put into that of creation here.
  const rows = tx.all<TaskRow>(
    `SELECT ${COLUMNS} FROM tasks WHERE holder = ? ORDER BY rank LIMIT ? + 0`,
    holder,
    limit,
  );
  for (const row of rows.toSorted((a, b) => a.seq - b.seq)) {
    if (isDue(row, tx.nowMs)) {
      operation.applyTime(row);
    } else {
      release(operation, row);
      released++;
    }
  }
  operation.end();
  return { ended: rows.length, released };
}
