/**
 * One operation on tasks, on the directory engine: the only place where a task's row changes. It keeps
 * what depends on the row in line with it: the counts, the tags of pending tasks, and who is woken.
 * @module
 */
import { emit } from "../../event/directory/append.ts";
import type { Transaction } from "../../engine/directory/transaction.ts";
import { SWEPT_AT_ONCE, type TaskStatus } from "../model.ts";
import { unblockMore } from "./dependencies.ts";
import { leaveHeldUp, TASKS_HELD_UP } from "./held_up.ts";
import { nextFreeMs, pathsOf, renewPaths, sweepHeldUp, unlockPaths } from "./paths.ts";
import {
  applyTime,
  COLUMNS,
  HELD_UP_RANKS,
  isDue,
  queueRank,
  specOf,
  type TaskRow,
} from "./rows.ts";
import { replaceTexts, type Texts } from "./texts.ts";
import { wakeWaiters } from "./waiters.ts";

/** A lower bound of the moments at which leases on tasks lapse, kept among the counts; absent: none. */
const LAPSE_FLOOR = "task_lapse_floor_ms";

/** One task; with its identifier. */
export const BY_ID = `SELECT ${COLUMNS} FROM tasks WHERE id = ?`;

/** A transaction together with the tasks it has put into the queue. */
export class TaskOperation {
  /** The transaction. */
  readonly tx: Transaction;
  readonly #arrived = new Map<number, TaskRow>();

  /** Begins; call {@linkcode TaskOperation.end} before the transaction commits. */
  constructor(tx: Transaction) {
    this.tx = tx;
  }

  /** Wakes those who wait for the tasks that this operation has put into the queue and left there. */
  end(): void {
    if (this.#arrived.size > 0) wakeWaiters(this.tx, [...this.#arrived.values()].map(specOf));
  }

  /** The row of a task. */
  find(id: string): TaskRow | undefined {
    return this.tx.get<TaskRow>(BY_ID, id);
  }

  /** Takes note that a row which came into the queue was moved aside again. */
  forget({ seq }: TaskRow): void {
    this.#arrived.delete(seq);
  }

  /** Takes note of a row that was just inserted. */
  arrive(row: TaskRow): void {
    this.tx.count(`tasks:${row.status}`, 1);
    if (row.status === "pending") this.#enter(row);
    if (row.status === "claimed") this.#lapseAt(row.due_at_ms!);
  }

  /** Takes note that a row is about to be replaced or removed. */
  depart(row: TaskRow): void {
    this.tx.count(`tasks:${row.status}`, -1);
    if (row.status === "pending") this.#leave(row);
  }

  /** Saves a row that stood at `from`, but for what {@linkcode TaskOperation.rewrite} saves. */
  save(row: TaskRow, from: TaskStatus): void {
    this.tx.run(
      `UPDATE tasks SET status = ?, due_at_ms = ?, holder = ?, fence = ?, lease_ms = ?, worker = ?,
         started_at_ms = ?, ended_at_ms = ?, outcome = ?, error = ?, progress = ?, older = ?,
         spent = ?, waits_for = ?, updated_at_ms = ?, result = ? WHERE seq = ?`,
      row.status,
      row.due_at_ms,
      row.holder,
      row.fence,
      row.lease_ms,
      row.worker,
      row.started_at_ms,
      row.ended_at_ms,
      row.outcome,
      row.error,
      row.progress,
      row.older,
      row.spent,
      row.waits_for,
      row.updated_at_ms,
      row.result,
      row.seq,
    );
    if (row.status !== from) this.#follow(row, from);
    if (from !== "claimed" || pathsOf(row).length === 0) return;
    if (row.status === "claimed") renewPaths(this.tx, row);
    else unlockPaths(this.tx, row);
  }

  /** Saves a waiting row with what its creator now says of it. */
  rewrite(row: TaskRow, said: Texts & Pick<TaskRow, "rank" | "spec">): void {
    if (row.status === "pending") this.#leave(row);
    row.rank = said.rank;
    row.spec = said.spec;
    row.parsed = undefined;
    row.updated_at_ms = this.tx.nowMs;
    replaceTexts(this.tx, row, said);
    this.tx.run(
      `UPDATE tasks SET rank = ?, spec = ?, description = ?, payload = ?, updated_at_ms = ?
       WHERE seq = ?`,
      row.rank,
      row.spec,
      row.description,
      row.payload,
      row.updated_at_ms,
      row.seq,
    );
    if (row.status === "pending") this.#enter(row);
  }

  /** Makes of the row what time has made of it, and saves it if that is a change. */
  applyTime(row: TaskRow): void {
    const { tx } = this;
    if (!isDue(row, tx.nowMs)) return;
    const { status, holder } = row;
    applyTime(row, tx.nowMs);
    this.save(row, status);
    if (status !== "claimed") return;
    emit(tx, "task.expired", row.id, holder!, { fence: row.fence });
    if (row.status === "dead") this.died(row);
  }

  /** Records that a task has used up its attempts. */
  died({ id, spent }: TaskRow): void {
    emit(this.tx, "task.dead", id, undefined, { attempts: spent });
  }

  /**
   * Returns tasks to the queue whose lease has lapsed or whose time has come, a bounded number, and unblocks some of
   * those that waited for a completed task. `more` when there may be others; `lapsed` are those whose lease had lapsed.
   */
  sweep(): { readonly more: boolean; readonly lapsed: readonly TaskRow[] } {
    const { tx } = this;
    const lettingIn = sweepHeldUp(tx);
    const due = tx.counts["tasks:scheduled"]
      ? tx.all<TaskRow>(
        `SELECT ${COLUMNS} FROM tasks INDEXED BY tasks_later
         WHERE status = 'scheduled' AND due_at_ms <= ? ORDER BY due_at_ms LIMIT ${SWEPT_AT_ONCE}`,
        tx.nowMs,
      )
      : [];
    for (const row of due) this.applyTime(row);
    const lapsed = mayHaveLapsed(tx) ? this.#sweepExpired() : [];
    const goesOn = unblockMore(this, SWEPT_AT_ONCE);
    return {
      more: lettingIn || goesOn || due.length === SWEPT_AT_ONCE || lapsed.length === SWEPT_AT_ONCE,
      lapsed,
    };
  }

  #sweepExpired(): TaskRow[] {
    const { tx } = this;
    const lapsed = tx.all<TaskRow>(
      `SELECT ${COLUMNS} FROM tasks INDEXED BY tasks_live
       WHERE holder IS NOT NULL AND due_at_ms <= ? ORDER BY due_at_ms, seq LIMIT ${SWEPT_AT_ONCE}`,
      tx.nowMs,
    );
    for (const row of lapsed) this.applyTime(row);
    // One look at the index of held tasks each time the earliest of their leases may have lapsed.
    const { floor } = tx.get<{ floor: number | null }>(
      `SELECT MIN(due_at_ms) AS floor FROM tasks INDEXED BY tasks_live WHERE holder IS NOT NULL`,
    )!;
    setFloor(tx, floor ?? 0);
    return lapsed;
  }

  #follow(row: TaskRow, from: TaskStatus): void {
    const { tx } = this;
    tx.count(`tasks:${from}`, -1);
    tx.count(`tasks:${row.status}`, 1);
    if (from === "pending") this.#leave(row);
    if (row.status === "pending") this.#enter(row);
    if (row.status === "claimed") this.#lapseAt(row.due_at_ms!);
  }

  #lapseAt(dueAtMs: number): void {
    const floor = this.tx.counts[LAPSE_FLOOR];
    if (floor === undefined || floor > dueAtMs) setFloor(this.tx, dueAtMs);
  }

  #enter(row: TaskRow): void {
    this.#arrived.set(row.seq, row);
    for (const tag of specOf(row).tags) {
      this.tx.run("INSERT INTO task_tags VALUES (?, ?)", tag, row.rank);
    }
  }

  #leave(row: TaskRow): void {
    this.#arrived.delete(row.seq);
    for (const tag of specOf(row).tags) {
      this.tx.run("DELETE FROM task_tags WHERE tag = ? AND rank = ?", tag, row.rank);
    }
    if (pathsOf(row).length === 0 || !this.tx.counts[TASKS_HELD_UP]) return;
    leaveHeldUp(this.tx, { id: row.id, rank: row.rank, tags: specOf(row).tags });
    if (row.rank < HELD_UP_RANKS) return;
    row.rank = queueRank(row.rank);
    this.tx.run("UPDATE tasks SET rank = ? WHERE seq = ?", row.rank, row.seq);
  }
}

/** Whether some lease may have lapsed that no operation has noticed. Leases only ever get longer. */
export function mayHaveLapsed({ counts, nowMs }: Pick<Transaction, "counts" | "nowMs">): boolean {
  return (counts[LAPSE_FLOOR] ?? Infinity) <= nowMs;
}

/** The earliest moment at which time alone may put a task into the queue. */
export function nextDueMs(tx: Transaction): number | undefined {
  const later = tx.counts["tasks:scheduled"]
    ? tx.get<{ due: number }>(
      `SELECT MIN(due_at_ms) AS due FROM tasks INDEXED BY tasks_later WHERE status = 'scheduled'`,
    )!.due
    : Infinity;
  const due = Math.min(later, tx.counts[LAPSE_FLOOR] ?? Infinity, nextFreeMs(tx) ?? Infinity);
  return due === Infinity ? undefined : due;
}

function setFloor(tx: Transaction, floor: number): void {
  tx.count(LAPSE_FLOOR, floor - (tx.counts[LAPSE_FLOOR] ?? 0));
}
