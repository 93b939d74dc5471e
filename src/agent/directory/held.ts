/**
 * What an agent holds now, on the directory engine, put together from what each room with leases has of it.
 * @module
 */
import type { Reader, Transaction } from "../../engine/directory/transaction.ts";
import { LAPSING_TOLD, type LapsingLease } from "../../engine/warning.ts";
import * as locks from "../../lock/directory/held.ts";
import * as tasks from "../../task/directory/held.ts";

/** Behind which lease the next portion begins: one on a lock, or a claimed task. */
export type Portion =
  | { readonly lock: locks.LeasePlace }
  | { readonly task: tasks.ClaimPlace | undefined };

/** How many live leases on locks and claimed tasks the agent holds. */
export function countHeld(
  reader: Reader,
  holder: string,
): { readonly locks: number; readonly tasks: number } {
  return { locks: locks.countHeld(reader, holder), tasks: tasks.countHeld(reader, holder) };
}

/** SQL that tells whether the agent `name` of the query around it holds nothing at `?1`. */
export function holdsNothing(reader: Reader): string {
  const held = [locks.holdsAny(reader), tasks.holdsAny(reader)].filter((sql) => sql !== "");
  return held.length === 0 ? "?1 = ?1" : held.map((sql) => `NOT ${sql}`).join(" AND ");
}

/** Live leases that lapse within a third of their length, the soonest first: a few, of the first that it holds. */
export function lapsingHeld(reader: Reader, holder: string): LapsingLease[] {
  return [...locks.lapsing(reader, holder), ...tasks.lapsing(reader, holder)]
    .sort((a, b) => a.lapsesInMs - b.lapsesInMs)
    .slice(0, LAPSING_TOLD);
}

/**
 * Extends the live leases of one portion, each by its own length from now; none gets shorter.
 *
 * @returns where the next portion begins; `undefined` after the last one.
 */
export function renewHeld(
  tx: Transaction,
  holder: string,
  from: Portion | undefined,
  limit: number,
): Portion | undefined {
  let left = limit;
  if (from === undefined || "lock" in from) {
    const renewed = locks.renewHeld(tx, holder, from?.lock, left);
    if (renewed.length === left) return { lock: renewed.at(-1)! };
    left -= renewed.length;
    from = { task: undefined };
  }
  const renewed = tasks.renewHeld(tx, holder, from.task, left);
  return renewed.length === left ? { task: renewed.at(-1) } : undefined;
}
