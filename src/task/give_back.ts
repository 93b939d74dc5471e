/**
 * Returning tasks to the queue that their holder gives up, on the directory engine.
 * @module
 */
import { emit } from "../event/append.ts";
import type { Transaction } from "../store/transaction.ts";
import { COLUMNS, endAttempt, isDue, type TaskRow, wait } from "./rows.ts";
import { Step } from "./step.ts";

/** Puts a claimed task back at its old place; the attempt does not count. */
export function giveBack(step: Step, row: TaskRow, reason?: string): void {
  const { tx } = step;
  emit(tx, "task.released", row.id, row.holder!, { fence: row.fence });
  endAttempt(row, "released", tx.nowMs, reason);
  row.spent--;
  wait(row, undefined, tx.nowMs);
  step.save(row, "claimed");
}

/**
 * Puts every task that `holder` holds back into the queue at its old place, in the caller's step. The
 * attempts are recorded as `released` and do not count. Returns the identifiers of those tasks.
 */
export function releaseTasksOf(tx: Transaction, holder: string): string[] {
  const step = new Step(tx);
  const released: string[] = [];
  for (
    const row of tx.all<TaskRow>(
      `SELECT ${COLUMNS} FROM tasks WHERE holder = ? ORDER BY seq`,
      holder,
    )
  ) {
    if (isDue(row, tx.nowMs)) {
      step.settle(row);
    } else {
      giveBack(step, row);
      released.push(row.id);
    }
  }
  step.end();
  return released;
}
