/**
 * Tasks that wait for others, on the directory engine. A link stands from the moment a task depends on
 * another until that one is completed; one that dies or is cancelled keeps its links, so that bringing it
 * back is enough to revive whoever waits for it.
 * @module
 */
import type { Reader, Transaction } from "../../engine/directory/transaction.ts";
import type { Attempt, Task, TaskStatus } from "../model.ts";
import { applyTime, COLUMNS, MAX_ATTEMPTS, specOf, type TaskRow, toTask, wait } from "./rows.ts";

/** The operation that this is part of; see operation.ts. */
interface Saves {
  readonly tx: Transaction;
  save(row: TaskRow, from: TaskStatus): void;
}

/** Among the counts: completed tasks that others still wait for. Each has a link on {@linkcode UNFINISHED_ON}. */
export const UNFINISHED = "task_untold";
/** No task has this place. */
const UNFINISHED_ON = 0;

/** Lets `seq` wait for `on`. */
export function link(tx: Transaction, seq: number, on: number): void {
  tx.run("INSERT INTO task_links VALUES (?, ?)", on, seq);
  tx.count("task_links", 1);
}

/** Lets the task wait for none any more. */
export function unlink(tx: Transaction, row: TaskRow): void {
  if (!tx.counts.task_links) return;
  for (const id of specOf(row).dependsOn) {
    const links = tx.run(
      "DELETE FROM task_links WHERE on_seq = (SELECT seq FROM tasks WHERE id = ?) AND seq = ?",
      id,
      row.seq,
    );
    tx.count("task_links", -links);
  }
}

/**
 * Tells some of the tasks that waited for this one that it is completed, in the order of their creation. While there
 * are others, {@linkcode UNFINISHED} counts it, and {@linkcode unblockMore} goes on.
 */
export function unblock(operation: Saves, { seq }: Pick<TaskRow, "seq">, portion: number): void {
  const { tx } = operation;
  if (!tx.counts.task_links) return markUnfinished(tx, seq, false);
  const links = tx.all<{ seq: number }>(
    `SELECT seq FROM task_links WHERE on_seq = ? ORDER BY seq LIMIT ${portion + 1}`,
    seq,
  );
  if (links.length === 0) return markUnfinished(tx, seq, false);
  const more = links.length > portion;
  const last = links[Math.min(links.length, portion) - 1]!.seq;
  const waiting = tx.all<TaskRow>(
    `SELECT ${COLUMNS} FROM tasks WHERE seq IN (
       SELECT seq FROM task_links WHERE on_seq = ?1 AND seq <= ?2) ORDER BY seq`,
    seq,
    last,
  );
  const unblocked = tx.run("DELETE FROM task_links WHERE on_seq = ? AND seq <= ?", seq, last);
  tx.count("task_links", -unblocked);
  markUnfinished(tx, seq, more);
  for (const row of waiting) {
    const { status } = row;
    row.waits_for--;
    if (status === "blocked") wait(row, specOf(row).notBeforeMs, tx.nowMs);
    operation.save(row, status);
  }
}

/** Goes on with one of the completed tasks that others still wait for; `false` when there is none. */
export function unblockMore(operation: Saves, portion: number): boolean {
  const { tx } = operation;
  if (!tx.counts[UNFINISHED]) return false;
  const next = tx.get<{ seq: number }>(
    "SELECT seq FROM task_links WHERE on_seq = ? ORDER BY seq LIMIT 1",
    UNFINISHED_ON,
  );
  if (next === undefined) return false;
  unblock(operation, next, portion);
  return true;
}

/** Notes whether others still wait for this completed task. */
export function markUnfinished(tx: Transaction, seq: number, unfinished: boolean): void {
  if (!unfinished && !tx.counts[UNFINISHED]) return;
  const changed = tx.run(
    unfinished
      ? "INSERT OR IGNORE INTO task_links VALUES (?, ?)"
      : "DELETE FROM task_links WHERE on_seq = ? AND seq = ?",
    UNFINISHED_ON,
    seq,
  );
  tx.count(UNFINISHED, unfinished ? changed : -changed);
}

/**
 * The task as everybody sees it at this moment, with the reason if it is stuck, its newest attempt and those given
 * `before` it.
 */
export function show(reader: Reader, row: TaskRow, before: readonly Attempt[] = []): Task {
  applyTime(row, reader.nowMs);
  const why = row.status === "blocked" ? blockedReason(reader, row) : undefined;
  return toTask(reader, row, { before, blockedReason: why });
}

function blockedReason(reader: Reader, row: TaskRow): string | undefined {
  // A dependency whose last attempt has lapsed is dead, swept or not.
  const stuck = reader.get<{ id: string; status: TaskStatus }>(
    `SELECT id, CASE status WHEN 'claimed' THEN 'dead' ELSE status END AS status
     FROM tasks WHERE id IN (SELECT value FROM json_each(?1)) AND (
       status IN ('dead', 'cancelled')
       OR (status = 'claimed' AND due_at_ms <= ?2 AND spent >= ${MAX_ATTEMPTS})
     ) ORDER BY seq LIMIT 1`,
    JSON.stringify(specOf(row).dependsOn),
    reader.nowMs,
  );
  return stuck && `depends on ${stuck.id}, which is ${stuck.status}`;
}
