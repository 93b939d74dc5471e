/**
 * The paths that a task declares, on the directory engine: what keeps it from them, and their leases, which begin, go on
 * and end with its claim. The protocol is in ../paths.ts.
 * @module
 */
import type { Transaction } from "../../engine/directory/transaction.ts";
import { endLeases, nextExpiryMs, sweepExpired } from "../../lock/directory/end_leases.ts";
import { extendLease, grantLease } from "../../lock/directory/grant.ts";
import { callWaiters, isInWay, type Waiter, waitersOn } from "../../lock/directory/queue.ts";
import {
  firstOverlapping,
  leaseOf,
  type LockRow,
  modesConflict,
} from "../../lock/directory/rows.ts";
import { covers } from "../../path.ts";
import type { TaskPath } from "../model.ts";
import {
  letIn,
  letMoreIn,
  type Obstacle,
  starving,
  TASKS_HELD_UP,
  waitersHoldingUp,
} from "./held_up.ts";
import { specOf, type TaskRow } from "./rows.ts";

/** So many names are looked at by one sweep for waiters that are silent. */
const SILENT_LOOKED_AT = 2;

/** What the task declares. */
export function pathsOf(row: Pick<TaskRow, "id" | "spec" | "parsed">): readonly TaskPath[] {
  return specOf(row).paths ?? [];
}

/** What keeps a task from its paths, and whether a claim is behind it; nothing when they are free. */
export function obstacle(
  tx: Transaction,
  row: TaskRow,
): { readonly by: Obstacle; readonly byClaim: boolean } | undefined {
  const paths = pathsOf(row);
  for (const { path, mode, aliases = [] } of paths) {
    const keepsOut = {
      sql: "expires_at_ms > ? AND (mode = 'exclusive' OR ? = 'exclusive')",
      values: [tx.nowMs, mode],
    };
    for (const name of [path, ...aliases]) {
      const lease = firstOverlapping(tx, name, keepsOut);
      if (lease !== undefined) {
        const kind = lease.mode === "exclusive" ? "x" : "s";
        return { by: { kind, name: lease.name }, byClaim: lease.task !== null };
      }
      let ahead = waiterBefore(tx, name, mode);
      if (ahead?.called_at_ms === null) {
        // It is called, as by others who ask for the path: one that is dead drops out.
        callWaiters(tx, [name]);
        ahead = waiterBefore(tx, name, mode);
      }
      if (ahead !== undefined) {
        return { by: { kind: "q", name: overlapping(ahead.names, name)! }, byClaim: false };
      }
    }
  }
  const before = starvingBefore(tx, row, paths);
  return before === undefined ? undefined : { by: { kind: "r", name: before }, byClaim: true };
}

/** A starving task before this one whose paths overlap these. */
function starvingBefore(
  tx: Transaction,
  { rank }: TaskRow,
  paths: readonly TaskPath[],
): string | undefined {
  if (paths.length === 0 || !tx.counts[TASKS_HELD_UP]) return undefined;
  for (const one of starving(tx)) {
    if (one.rank >= rank) continue;
    const other = tx.get<Pick<TaskRow, "id" | "spec">>(
      "SELECT id, spec FROM tasks WHERE id = ?",
      one.id,
    );
    const conflicts = other !== undefined &&
      pathsOf(other).some((theirs) =>
        paths.some(({ path, mode }) =>
          modesConflict(theirs.mode, mode) &&
          overlapping([theirs.path, ...theirs.aliases ?? []], path) !== undefined
        )
      );
    if (conflicts) return one.id;
  }
  return undefined;
}

/** Begins the leases of a task that was just claimed; its paths are free. */
export function lockPaths(tx: Transaction, row: TaskRow): void {
  const { title, paths = [] } = specOf(row);
  for (const { path, mode, aliases } of paths) {
    grantLease(tx, {
      path,
      fence: row.fence,
      holder: row.holder!,
      mode,
      intent: title,
      ttl_ms: row.lease_ms,
      acquired_at_ms: tx.nowMs,
      expires_at_ms: row.due_at_ms!,
      task: row.id,
    }, aliases);
  }
}

/** Extends the leases of a claim that was renewed. */
export function renewPaths(tx: Transaction, row: TaskRow): void {
  for (const lease of leasesOf(tx, row)) extendLease(tx, lease, row.lease_ms);
}

/** Ends the leases of a claim that has ended. */
export function unlockPaths(tx: Transaction, row: TaskRow): void {
  const type = row.outcome === "expired" ? "lock.expired" : "lock.released";
  endLeases(tx, leasesOf(tx, row), type, row.worker!);
}

/** Lets in whom time alone has freed, or more of many; whether there may be others. */
export function sweepHeldUp(tx: Transaction): boolean {
  if (!tx.counts[TASKS_HELD_UP]) return false;
  sweepExpired(tx);
  letInBehindSilent(tx);
  return letMoreIn(tx) || (nextExpiryMs(tx) ?? Infinity) <= tx.nowMs;
}

/** When, at the latest, time alone may free a path that holds a task up. */
export function nextFreeMs(tx: Transaction): number | undefined {
  return tx.counts[TASKS_HELD_UP] ? nextExpiryMs(tx) : undefined;
}

function leasesOf(tx: Transaction, row: TaskRow): LockRow[] {
  return pathsOf(row).flatMap(({ path }) => leaseOf(tx, { path, fence: row.fence }) ?? []);
}

function waiterBefore(
  tx: Transaction,
  name: string,
  mode: TaskPath["mode"],
): Waiter | undefined {
  if (!tx.counts.lock_waiters) return undefined;
  for (const waiter of waitersOn(tx, [name])) {
    if (isInWay(waiter, tx.nowMs) && modesConflict(waiter.mode, mode)) return waiter;
  }
  return undefined;
}

function overlapping(names: readonly string[], name: string): string | undefined {
  return names.find((one) => covers(one, name) || covers(name, one));
}

/** Whom a waiter held up that is silent now, or was called and did not come: no other operation tells of that. */
function letInBehindSilent(tx: Transaction): void {
  for (const name of waitersHoldingUp(tx, SILENT_LOOKED_AT)) {
    const isHeld = waitersOn(tx, [name]).some((waiter) => isInWay(waiter, tx.nowMs));
    if (!isHeld) letIn(tx, { kind: "q", name });
  }
}
