/**
 * Locks on their way from one store into another; see src/transfer.ts.
 *
 * A lease keeps its fence and the time that is left of it. In the store that takes it over it wins over others that
 * conflict with it: it was granted by the store that had the word, and those are left from before, or were granted by a
 * store that had it no more.
 * @module
 */
import { quote } from "../name.ts";
import type { TransferConflict } from "../transfer.ts";
import type { LockMode } from "./model.ts";

/** A live lease. */
export interface LeaseRecord {
  readonly kind: "lease";
  readonly path: string;
  /** Other names of the path; absent when there are none. */
  readonly aliases?: readonly string[];
  readonly holder: string;
  readonly fence: number;
  readonly mode: LockMode;
  readonly intent: string;
  /** The length that it was given, in milliseconds. */
  readonly ttlMs: number;
  readonly acquiredAtMs: number;
  /** What is left of it by the source's clock, in milliseconds. */
  readonly leftMs: number;
  /** The task whose claim took it, if one did. */
  readonly taskId?: string;
}

/** A lease that ended: released, broken or lapsed. */
export interface EndedLeaseRecord {
  readonly kind: "ended";
  readonly path: string;
  readonly fence: number;
}

/** A place in the queue. It is kept until its process looks at the store, as it does every second. */
export interface LockWaiterRecord {
  readonly kind: "waiter";
  readonly id: string;
  readonly agent: string;
  readonly mode: LockMode;
  /** Every name that it wants. */
  readonly paths: readonly string[];
}

/** What is told of locks. */
export type LockRecord = LeaseRecord | EndedLeaseRecord | LockWaiterRecord;

/** How locks are taken over. */
export interface TakeLocksOptions {
  /**
   * Whether a lease that conflicts and has the higher fence stays, because other sites may have been at work on the
   * target: then the one that is told is not taken. Default `false`.
   */
  readonly keepOthers?: boolean;
}

/** One of two leases that keep each other out. */
export type ConflictingLease = Pick<LeaseRecord, "path" | "holder" | "fence">;

/** Two leases kept each other out: the second ended. */
export function leaseConflict(kept: ConflictingLease, ended: ConflictingLease): TransferConflict {
  const name = ({ holder, fence }: ConflictingLease) => `${quote(holder)} (fence ${fence})`;
  const where = kept.path === ended.path ? "it" : quote(kept.path);
  return {
    kind: "lock",
    subject: ended.path,
    outcome: `the lease of ${name(ended)} ended, because ${name(kept)} holds ${where}`,
  };
}
