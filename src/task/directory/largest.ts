/**
 * The size of what is kept of each task, on the directory engine.
 * @module
 */
import type { Reader } from "../../engine/directory/transaction.ts";
import { largestOf, type LargestPortion } from "../../largest.ts";
import { TASKS_SIZED } from "../model.ts";

/** The length of a text is in the head of its row: what is long is not read. */
const SIZES = `
SELECT tasks.seq, id,
  octet_length(spec) + ${
  lengths("tasks.description", "tasks.payload", "result", "error", "progress")
}
    + ${lengths("task_texts.description", "task_texts.payload")}
    + iif(older = 0, 0, (
        SELECT coalesce(sum(octet_length(attempt)), 0) FROM task_attempts
        WHERE task_attempts.seq = tasks.seq
      )) AS bytes
FROM tasks LEFT JOIN task_texts ON task_texts.seq = tasks.seq
WHERE tasks.seq < ? ORDER BY tasks.seq DESC LIMIT ? + 0`;

/** The largest of the newest tasks, or of those before the one with this number. */
export function largestTask(reader: Reader, before: number | undefined): LargestPortion {
  const rows = reader.all<{ seq: number; id: string; bytes: number }>(
    SIZES,
    before ?? Number.MAX_SAFE_INTEGER,
    TASKS_SIZED,
  );
  return largestOf(rows, TASKS_SIZED);
}

function lengths(...columns: readonly string[]): string {
  return columns.map((column) => `coalesce(octet_length(${column}), 0)`).join(" + ");
}
