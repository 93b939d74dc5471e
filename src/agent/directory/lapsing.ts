/**
 * Which of an agent's leases need to be renewed, on the directory engine.
 * @module
 */
import { LEASES_A_STEP } from "../../engine/held.ts";
import type { Reader } from "../../engine/directory/transaction.ts";
import { LAPSING_TOLD, type LapsingLease } from "../../engine/warning.ts";

/** Live leases that lapse within a third of their length, the soonest first: a few, of the first that it holds. */
export function lapsingLeases(reader: Reader, holder: string): LapsingLease[] {
  const soon = (kind: LapsingLease["kind"], held: string) =>
    reader.all<{ subject: string; due_ms: number }>(
      `SELECT subject, due_ms FROM (${held} LIMIT ${LEASES_A_STEP})
       WHERE due_ms > ?2 AND (due_ms - ?2) * 3 < length_ms
       ORDER BY due_ms, subject LIMIT ${LAPSING_TOLD}`,
      holder,
      reader.nowMs,
    ).map(({ subject, due_ms }) => ({ kind, subject, lapsesInMs: due_ms - reader.nowMs }));
  const locks = reader.counts.locks
    ? soon(
      "lock",
      `SELECT path subject, expires_at_ms due_ms, ttl_ms length_ms FROM locks
       WHERE holder = ?1 ORDER BY path, fence`,
    )
    : [];
  const tasks = reader.counts["tasks:claimed"]
    ? soon(
      "task",
      `SELECT id subject, due_at_ms due_ms, lease_ms length_ms FROM tasks
       WHERE holder = ?1 ORDER BY rank`,
    )
    : [];
  return [...locks, ...tasks].sort((a, b) => a.lapsesInMs - b.lapsesInMs).slice(0, LAPSING_TOLD);
}
