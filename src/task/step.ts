/**
 * One step on tasks, on the directory engine: the only place where a task's row changes. It keeps
 * what depends on the row in line with it: the counts, the tags of pending tasks, and who is woken.
 * @module
 */
import type { Transaction } from "../store/transaction.ts";
import { COLUMNS, settle, type TaskRow } from "./rows.ts";
import { emit } from "../event/append.ts";
import { wakeWaiters } from "./waiters.ts";

/** A lower bound of the moments at which leases on tasks lapse, kept among the counts; absent: none. */
const LAPSE_FLOOR = "task_lapse_floor_ms";
/** Lapsed leases, or due tasks, returned to the queue at a time. */
const SWEEP = 64;

/** A transaction together with the tasks it has put into the queue. */
export class Step {
  /** The transaction. */
  readonly tx: Transaction;
  readonly #arrived = new Map<number, TaskRow>();

  /** Begins; call {@linkcode Step.end} before the transaction commits. */
  constructor(tx: Transaction) {
    this.tx = tx;
  }

  /** Wakes those who wait for the tasks that this step has put into the queue and left there. */
  end(): void {
    if (this.#arrived.size > 0) wakeWaiters(this.tx, [...this.#arrived.values()]);
  }

  /** The row of a task. */
  find(id: string): TaskRow | undefined {
    return this.tx.get<TaskRow>(`SELECT ${COLUMNS} FROM tasks WHERE id = ?`, id);
  }

  /** Takes note of a row that was just inserted. */
  arrive(row: TaskRow): void {
    this.tx.count(`tasks:${row.status}`, 1);
    if (row.status === "pending") this.#enter(row);
  }

  /** Writes what has become of a row, but for what {@linkcode Step.rewrite} writes. */
  move(before: TaskRow, after: TaskRow): TaskRow {
    const { tx } = this;
    tx.run(
      `UPDATE tasks SET status = ?, due_at_ms = ?, holder = ?, fence = ?, lease_ms = ?,
         started_at_ms = ?, spent = ?, waits_for = ?, updated_at_ms = ?, progress = ?, attempts = ?,
         result = ? WHERE seq = ?`,
      after.status,
      after.due_at_ms,
      after.holder,
      after.fence,
      after.lease_ms,
      after.started_at_ms,
      after.spent,
      after.waits_for,
      after.updated_at_ms,
      after.progress,
      after.attempts,
      after.result,
      after.seq,
    );
    this.#follow(before, after);
    return after;
  }

  /** Writes a row whose creator's part has changed as well. */
  rewrite(before: TaskRow, after: TaskRow): TaskRow {
    const { tx } = this;
    if (before.status === "pending") this.#leave(before);
    tx.run(
      "UPDATE tasks SET rank = ?, max_attempts = ?, tags = ?, spec = ?, payload = ? WHERE seq = ?",
      after.rank,
      after.max_attempts,
      after.tags,
      after.spec,
      after.payload,
      after.seq,
    );
    if (before.status === "pending") this.#enter(after);
    return this.move({ ...after, status: before.status }, after);
  }

  /** The row as time has left it, written if that is a change. */
  settle(row: TaskRow): TaskRow {
    const { tx } = this;
    const settled = settle(row, tx.nowMs);
    if (settled === row) return row;
    this.move(row, settled);
    if (row.status === "claimed") {
      emit(tx, "task.expired", row.id, row.holder!, { fence: row.fence });
      if (settled.status === "dead") this.died(settled);
    }
    return settled;
  }

  /** Tells that a task has used up its attempts. */
  died({ id, spent }: TaskRow): void {
    emit(this.tx, "task.dead", id, undefined, { attempts: spent });
  }

  /**
   * Returns tasks to the queue whose lease has lapsed or whose time has come, a bounded number. `more` when
   * there may be others; `lapsed` are those whose lease had lapsed.
   */
  sweep(): { readonly more: boolean; readonly lapsed: readonly TaskRow[] } {
    const { tx } = this;
    const due = tx.counts["tasks:scheduled"]
      ? tx.all<TaskRow>(
        `SELECT ${COLUMNS} FROM tasks WHERE status = 'scheduled' AND due_at_ms <= ?
         ORDER BY due_at_ms LIMIT ${SWEEP}`,
        tx.nowMs,
      )
      : [];
    for (const row of due) this.settle(row);
    const lapsed = mayHaveLapsed(tx) ? this.#sweepLapsed() : [];
    return { more: due.length === SWEEP || lapsed.length === SWEEP, lapsed };
  }

  #sweepLapsed(): TaskRow[] {
    const { tx } = this;
    const lapsed = tx.all<TaskRow>(
      `SELECT ${COLUMNS} FROM tasks WHERE holder IS NOT NULL AND due_at_ms <= ? LIMIT ${SWEEP}`,
      tx.nowMs,
    );
    for (const row of lapsed) this.settle(row);
    // One look at the index of held tasks each time the earliest of their leases may have lapsed.
    const { floor } = tx.get<{ floor: number | null }>(
      "SELECT MIN(due_at_ms) AS floor FROM tasks WHERE holder IS NOT NULL",
    )!;
    setFloor(tx, floor ?? 0);
    return lapsed;
  }

  #follow(before: TaskRow, after: TaskRow): void {
    const { tx } = this;
    if (after.status === before.status) return;
    tx.count(`tasks:${before.status}`, -1);
    tx.count(`tasks:${after.status}`, 1);
    if (before.status === "pending") this.#leave(before);
    if (after.status === "pending") this.#enter(after);
    if (after.status === "claimed") {
      const floor = tx.counts[LAPSE_FLOOR];
      if (floor === undefined || floor > after.due_at_ms!) setFloor(tx, after.due_at_ms!);
    }
  }

  #enter(row: TaskRow): void {
    this.#arrived.set(row.seq, row);
    if (row.tags === "[]") return;
    for (const tag of JSON.parse(row.tags)) {
      this.tx.run("INSERT INTO task_tags VALUES (?, ?)", tag, row.rank);
    }
  }

  #leave(row: TaskRow): void {
    this.#arrived.delete(row.seq);
    if (row.tags === "[]") return;
    for (const tag of JSON.parse(row.tags)) {
      this.tx.run("DELETE FROM task_tags WHERE tag = ? AND rank = ?", tag, row.rank);
    }
  }
}

/** Whether some lease may have lapsed that no step has noticed. Leases only ever get longer. */
export function mayHaveLapsed({ counts, nowMs }: Pick<Transaction, "counts" | "nowMs">): boolean {
  return (counts[LAPSE_FLOOR] ?? Infinity) <= nowMs;
}

/** The earliest moment at which time alone may put a task into the queue. */
export function nextDueMs(tx: Transaction): number | undefined {
  const later = tx.counts["tasks:scheduled"]
    ? tx.get<{ due: number }>(
      "SELECT MIN(due_at_ms) AS due FROM tasks WHERE status = 'scheduled'",
    )!.due
    : Infinity;
  const due = Math.min(later, tx.counts[LAPSE_FLOOR] ?? Infinity);
  return due === Infinity ? undefined : due;
}

function setFloor(tx: Transaction, floor: number): void {
  tx.count(LAPSE_FLOOR, floor - (tx.counts[LAPSE_FLOOR] ?? 0));
}
