/**
 * Those who wait for a task, on the directory engine.
 *
 * A waiter that found nothing leaves the name of its waker and its wishes in the same operation. Each task that arrives
 * in the queue wakes one waiter that may take it, in the order they came, and takes it out of the wait queue: a
 * thousand waiters do not all run for one task. A waiter that is woken and finds nothing joins the queue
 * again. A wake-up that its receiver cannot use any more costs another one the wait for its next slow look.
 * @module
 */
import type { Transaction } from "../../engine/directory/transaction.ts";
import type { ClaimRequest } from "../store.ts";
import { parseRowTexts } from "../../engine/directory/row_json.ts";
import { TASK_WAITER_SILENCE_MS, TASK_WAITERS_LOOKED_AT } from "../model.ts";

/** A waiter, and the waker of its process. */
export interface Waiter {
  readonly id: string;
  readonly waker: string;
}

interface WaiterRow {
  readonly seq: number;
  readonly bell: string;
  readonly tags: string;
  readonly match: ClaimRequest["match"];
}

/** Puts a waiter into the wait queue, or notes that it is still there. */
export function joinQueue(
  tx: Transaction,
  { id, waker }: Waiter,
  { tags, match }: Pick<ClaimRequest, "tags" | "match">,
): void {
  const seen = tx.run("UPDATE task_waiters SET seen_at_ms = ? WHERE id = ?", tx.nowMs, id);
  if (seen > 0) return;
  tx.run(
    "INSERT INTO task_waiters (id, bell, tags, match, seen_at_ms) VALUES (?, ?, ?, ?, ?)",
    id,
    waker,
    JSON.stringify(tags),
    match,
    tx.nowMs,
  );
  tx.count("task_waiters", 1);
}

/** Whether a waiter is in the wait queue. */
export function isQueued(tx: Transaction, id: string): boolean {
  if (!tx.counts.task_waiters) return false;
  return tx.get("SELECT 1 FROM task_waiters WHERE id = ?", id) !== undefined;
}

/** Takes a waiter out of the wait queue. */
export function leaveQueue(tx: Transaction, id: string): void {
  if (!tx.counts.task_waiters) return;
  tx.count("task_waiters", -tx.run("DELETE FROM task_waiters WHERE id = ?", id));
}

/** Wakes one waiter for each of these pending tasks. */
export function wakeWaiters(
  tx: Transaction,
  tasks: readonly { readonly tags: readonly string[] }[],
): void {
  if (!tx.counts.task_waiters) return;
  const silent = tx.run(
    "DELETE FROM task_waiters WHERE seen_at_ms < ?",
    tx.nowMs - TASK_WAITER_SILENCE_MS,
  );
  tx.count("task_waiters", -silent);
  const queue = tx.all<WaiterRow>(
    `SELECT seq, bell, tags, match FROM task_waiters ORDER BY seq LIMIT ${TASK_WAITERS_LOOKED_AT}`,
  ).map((row) => ({ ...row, wants: parseRowTexts(row.tags, "a waiter for tasks") }));
  for (const { tags } of tasks) {
    for (let place = 0; place < queue.length; place++) {
      const { seq, bell, match, wants } = queue[place]!;
      if (!qualifies(tags, wants, match)) continue;
      queue.splice(place--, 1);
      tx.run("DELETE FROM task_waiters WHERE seq = ?", seq);
      tx.count("task_waiters", -1);
      // A dead one does not count as woken: the next in the wait queue is.
      if (tx.wake(bell)) break;
    }
    if (queue.length === 0) return;
  }
}

function qualifies(
  tags: readonly string[],
  wants: readonly string[],
  match: ClaimRequest["match"],
): boolean {
  if (wants.length === 0) return true;
  const carried = (tag: string) => tags.includes(tag);
  return match === "any" ? wants.some(carried) : wants.every(carried);
}
