/**
 * Which leases of one kind need to be renewed, on the directory engine: the same question for every room that has
 * leases.
 * @module
 */
import { LEASES_PER_OPERATION } from "../held.ts";
import { LAPSING_TOLD, type LapsingLease } from "../warning.ts";
import type { Reader } from "./transaction.ts";

/**
 * Live leases that lapse within a third of their length, the soonest first: a few, of the first that `held` gives.
 *
 * @param held selects `subject`, `due_ms` and `length_ms` of the leases of the holder `?1`, in the order of an index.
 */
export function lapsingOf(
  reader: Reader,
  kind: LapsingLease["kind"],
  holder: string,
  held: string,
): LapsingLease[] {
  return reader.all<{ subject: string; due_ms: number }>(
    `SELECT subject, due_ms FROM (${held} LIMIT ${LEASES_PER_OPERATION})
     WHERE due_ms > ?2 AND (due_ms - ?2) * 3 < length_ms
     ORDER BY due_ms, subject LIMIT ${LAPSING_TOLD}`,
    holder,
    reader.nowMs,
  ).map(({ subject, due_ms }) => ({ kind, subject, lapsesInMs: due_ms - reader.nowMs }));
}
