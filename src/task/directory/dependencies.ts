/**
 * Tasks that wait for others, on the directory engine. A link stands from the moment a task depends on
 * another until that one is completed; one that dies or is cancelled keeps its links, so that bringing it
 * back is enough to revive whoever waits for it.
 * @module
 */
import type { Reader, Transaction } from "../../engine/directory/transaction.ts";
import type { Attempt, Task, TaskStatus } from "../model.ts";
import { COLUMNS, MAX_ATTEMPTS, settle, specOf, type TaskRow, toTask, wait } from "./rows.ts";
import type { Step } from "./step.ts";

/** Lets `seq` wait for `on`. */
export function link(tx: Transaction, seq: number, on: number): void {
  tx.run("INSERT INTO task_links VALUES (?, ?)", on, seq);
  tx.count("task_links", 1);
}

/** Tells the tasks that waited for this one that it is completed. */
export function unblock(step: Step, { seq }: TaskRow): void {
  const { tx } = step;
  if (!tx.counts.task_links) return;
  const waiting = tx.all<TaskRow>(
    `SELECT ${COLUMNS} FROM tasks WHERE seq IN (SELECT seq FROM task_links WHERE on_seq = ?)
     ORDER BY seq`,
    seq,
  );
  if (waiting.length === 0) return;
  tx.run("DELETE FROM task_links WHERE on_seq = ?", seq);
  tx.count("task_links", -waiting.length);
  for (const row of waiting) {
    const { status } = row;
    row.waits_for--;
    if (status === "blocked") wait(row, specOf(row).notBeforeMs, tx.nowMs);
    step.save(row, status);
  }
}

/**
 * The task as everybody sees it at this moment, with the reason if it is stuck, its newest attempt and those given
 * `before` it.
 */
export function show(reader: Reader, row: TaskRow, before: readonly Attempt[] = []): Task {
  settle(row, reader.nowMs);
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
