/**
 * Tasks on their way from one store into another; see src/transfer.ts.
 *
 * What became of a task there counts, unless somebody else has had it since in the store that takes it over: then
 * that stands, and an attempt that ended with a result or an error is kept among the attempts as a late one.
 * @module
 */
import { given } from "../given.ts";
import { type Attempt, detailsOf, type JsonValue, type Task, type TaskStatus } from "./model.ts";
import type { Backoff } from "./model.ts";
import type { TaskSpec } from "./store.ts";
import type { TransferConflict } from "../transfer.ts";

/** Everything of a task, but for its place. */
export interface MovedTask extends Omit<TaskSpec, "leaseMs" | "backoff"> {
  readonly id: string;
  /** Absent where there is none, and where the source does not know it: then the target keeps its own. */
  readonly key?: string;
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly dependsOn: readonly string[];
  /** Those it depends on that are not completed by the source's word; all others count as completed. */
  readonly waitsFor: readonly string[];
  readonly status: TaskStatus;
  /** Its tenures, oldest first, the newest last. */
  readonly attempts: readonly Attempt[];
  /** How many there were before the first of these. */
  readonly attemptsLeftOut: number;
  /** Attempts that count. */
  readonly spent: number;
  /** Length of the newest lease, in milliseconds. */
  readonly leaseMs: number;
  /** What is left of the lease by the source's clock; of claimed tasks. */
  readonly leftMs?: number;
  /** When its time comes; of scheduled tasks. */
  readonly dueAtMs?: number;
  /** Length of a lease when a claim does not say; absent where the source does not know it. */
  readonly defaultLeaseMs?: number;
  /** Absent where the source does not know it. */
  readonly backoff?: Backoff;
  /** What came of it, once completed. */
  readonly result?: JsonValue;
}

/** A task that was pruned in the source. */
export interface RemovedTask {
  /** Its identifier. */
  readonly removed: string;
  /** The fence of its newest attempt, 0 when there was none. */
  readonly fence: number;
  /** Where it stood. */
  readonly status: TaskStatus;
}

/** A task on its way. */
export type TaskRecord = MovedTask | RemovedTask;

/**
 * The record of a task as its claim or a later answer to its holder showed it, of which `leftMs` of a lease of
 * `leaseMs` are left. Such an answer does not show the key, the backoff and the usual length of a lease.
 */
export function recordOfClaim(task: Task, leftMs: number, leaseMs: number): MovedTask {
  const { id, title, description, priority, tags, maxAttempts, dependsOn, createdBy } = task;
  const { createdAtMs, updatedAtMs, attempts, attemptsLeftOut = 0, notBeforeMs } = task;
  return {
    id,
    title,
    description,
    priority,
    tags,
    maxAttempts,
    ...detailsOf(task),
    ...given({ notBeforeMs }),
    createdBy,
    createdAtMs,
    updatedAtMs,
    dependsOn,
    waitsFor: [],
    status: "claimed",
    attempts,
    attemptsLeftOut,
    spent: task.attemptsUsed,
    leaseMs,
    leftMs,
  };
}

/** That another task has the key already. */
export function keyConflict(id: string, owner: string): TransferConflict {
  return conflict(id, `taken over without its key, which ${owner} has`);
}

/** Something that became of a task instead of being taken over as told. */
export function conflict(subject: string, outcome: string): TransferConflict {
  return { kind: "task", subject, outcome };
}
