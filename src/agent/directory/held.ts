/**
 * What an agent holds now, on the directory engine. Leases past their expiry count for nothing, swept or not.
 * @module
 */
import type { Reader } from "../../engine/directory/transaction.ts";
import type { ClaimedTask } from "../model.ts";

/** How many live leases on locks and claimed tasks the agent holds. */
export function countHeld(
  reader: Reader,
  holder: string,
): { readonly locks: number; readonly tasks: number } {
  return {
    locks: reader.counts.locks
      ? count(reader, "SELECT COUNT(*) n FROM locks WHERE holder = ? AND expires_at_ms > ?", holder)
      : 0,
    tasks: reader.counts["tasks:claimed"]
      ? count(reader, "SELECT COUNT(*) n FROM tasks WHERE holder = ? AND due_at_ms > ?", holder)
      : 0,
  };
}

/** The tasks the agent has claimed, the oldest claim first. */
export function tasksHeldBy(reader: Reader, holder: string): ClaimedTask[] {
  const rows = reader.all<{ id: string; title: string; since_ms: number }>(
    `SELECT id, json_extract(spec, '$.title') title, started_at_ms since_ms
     FROM tasks WHERE holder = ? AND due_at_ms > ? ORDER BY started_at_ms, seq`,
    holder,
    reader.nowMs,
  );
  return rows.map(({ id, title, since_ms }) => ({ id, title, sinceMs: since_ms }));
}

function count(reader: Reader, sql: string, holder: string): number {
  return reader.get<{ n: number }>(sql, holder, reader.nowMs)?.n ?? 0;
}
