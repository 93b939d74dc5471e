/**
 * The attempts on a task before its newest one, on the directory engine: each is written once, in a row of its own,
 * when the next one begins. What happens to a task later reads and writes the newest one alone, which is part of the
 * task's row.
 * @module
 */
import { parseRowObject } from "../../engine/directory/row_json.ts";
import type { Reader, Transaction } from "../../engine/directory/transaction.ts";
import { type Attempt, HANDOFF, HANDOFF_BYTES, OLDER_KEPT } from "../model.ts";
import { newestAttempt, type TaskRow } from "./rows.ts";

/** Makes room for another attempt: the newest joins the older ones. The row is the caller's to save. */
export function putAside(tx: Transaction, row: TaskRow): void {
  if (row.worker === null) return;
  const { seq } = row;
  const number = ++row.older;
  tx.run(
    "INSERT INTO task_attempts VALUES (?, ?, ?)",
    seq,
    number,
    JSON.stringify(newestAttempt(row)),
  );
  if (number <= OLDER_KEPT) return;
  tx.run("DELETE FROM task_attempts WHERE seq = ? AND number <= ?", seq, number - OLDER_KEPT);
}

/** The attempts before, oldest first, as the holder of a task just claimed sees them. */
export function handoff(reader: Reader, row: TaskRow): Attempt[] {
  if (row.older === 0) return [];
  const sizes = reader.all<{ bytes: number }>(
    `SELECT octet_length(attempt) AS bytes FROM task_attempts WHERE seq = ?
     ORDER BY number DESC LIMIT ${HANDOFF}`,
    row.seq,
  );
  let bytes = sizes[0]?.bytes ?? 0;
  let fitting = 1;
  while (fitting < sizes.length && (bytes += sizes[fitting]!.bytes) <= HANDOFF_BYTES) fitting++;
  return newestOf(reader, row, fitting);
}

/** All attempts before the newest one, as far as they are kept, oldest first. */
export function olderAttempts(reader: Reader, row: TaskRow): Attempt[] {
  return row.older === 0 ? [] : newestOf(reader, row, OLDER_KEPT);
}

/** Removes the attempts of a task that is removed itself. */
export function removeAttempts(tx: Transaction, { seq, older }: TaskRow): void {
  if (older > 0) tx.run("DELETE FROM task_attempts WHERE seq = ?", seq);
}

function newestOf(reader: Reader, { seq, id }: TaskRow, count: number): Attempt[] {
  return reader.all<{ attempt: string }>(
    "SELECT attempt FROM task_attempts WHERE seq = ? ORDER BY number DESC LIMIT ? + 0",
    seq,
    count,
  ).map(({ attempt }) => parseRowObject<Attempt>(attempt, `task ${id}`)).reverse();
}
