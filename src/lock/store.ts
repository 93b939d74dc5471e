/**
 * The atomic operations on locks that every store offers.
 * @module
 */
import type { AuditDraft } from "../audit/entry.ts";
import type { LockPath } from "../path.ts";
import type { Actor } from "../engine/actor.ts";
import type { Lease, LockMode } from "./model.ts";

/** Other names of lock paths, see {@linkcode LockPath}: a lease keeps others from these as well. */
export type Aliases = Readonly<Record<string, readonly string[]>>;

/** One attempt to take every path at once. */
export interface AcquireRequest {
  /** Normalised lock paths without repeats; at least one. */
  readonly paths: readonly string[];
  /** The other names of each path, where it has any. */
  readonly aliases?: Aliases;
  readonly mode: LockMode;
  readonly ttlMs: number;
  readonly intent: string;
  /** Renew what the actor already holds instead of refusing. */
  readonly reentrant: boolean;
  /** Present when the caller waits: identifies its place in the queue. When its turn comes, this process is woken. */
  readonly waiter?: string;
}

/** Who stands in the way of an {@linkcode AcquireRequest}. */
export type Blocker =
  /**
   * The nearest for the first path that is not free: on the path itself, else above it, else below it.
   * `asked` is that path as it was requested.
   */
  | { readonly kind: "lease"; readonly lease: Lease; readonly asked: string }
  /** Free, but promised to an agent that queued earlier. */
  | { readonly kind: "waiter"; readonly path: string; readonly holder: string };

/** What became of an {@linkcode AcquireRequest}. */
export type AcquireOutcome =
  | { readonly kind: "acquired"; readonly leases: readonly Lease[] }
  /** `retryInMs`: when, at the latest, the blocker may be gone without anybody ringing. */
  | {
    readonly kind: "held";
    readonly blocker: Blocker;
    readonly nowMs: number;
    readonly retryInMs: number;
  };

/** Which of the actor's leases an operation means: each path, under this fence when one is given. */
export interface LeaseSelector {
  readonly paths: readonly string[];
  /** A path that is not held under its own name is looked for under these. */
  readonly aliases?: Aliases;
  readonly fence?: number;
}

/** One path whose lease the actor does not hold (any more), and who does now. */
export interface LostLease {
  readonly path: string;
  /** The first live lease on exactly this path, if there is one. */
  readonly current?: Lease;
  /** The actor's own live lease on the nearest name above the path, if it has one. */
  readonly covering?: Lease;
}

/** Atomic operations only; waiting, renewing and throwing belong to {@linkcode Locks}. */
export interface LockStore {
  /** Grants every path, or none and queues the waiter if there is one. */
  acquire(actor: Actor, request: AcquireRequest): Promise<AcquireOutcome>;
  /** Takes a waiter out of the queue; calls whoever it kept waiting. */
  abandon(waiterId: string): Promise<void>;
  /** Extends every selected tenure, or none when one of them has ended. */
  renew(
    actor: Actor,
    selector: LeaseSelector,
    ttlMs: number | undefined,
  ): Promise<{ readonly renewed: readonly Lease[] } | { readonly lost: readonly LostLease[] }>;
  /** Ends every selected tenure that still exists. */
  release(
    actor: Actor,
    selector: LeaseSelector,
  ): Promise<{ readonly released: readonly Lease[]; readonly lost: readonly LostLease[] }>;
  /** Ends every tenure of the actor but for those of its tasks, `LEASES_PER_OPERATION` an operation. */
  releaseAll(actor: Actor): Promise<readonly Lease[]>;
  /** The live leases that cover this path: its own, then those above it, the nearest first; then its aliases'. */
  covering(name: LockPath): Promise<readonly Lease[]>;
  /**
   * What stands in the way of taking each of these paths in this mode: the first live lease of another agent that conflicts,
   * on the path, above it or below it; else the first of `holder`'s own; `null` where there is neither. In the order of the
   * paths.
   */
  check(
    holder: string | undefined,
    request: Pick<AcquireRequest, "paths" | "aliases" | "mode">,
  ): Promise<readonly (Lease | null)[]>;
  /**
   * Ends every tenure on exactly this path, or else on its first alias that is held, recording in the audit
   * log who did it and why. Without one, `covering` is the lease on the nearest name above the path. Nothing is broken
   * when one of them is part of a task's claim: `claimed` is that one.
   */
  break(
    actor: Actor,
    name: LockPath,
    record: AuditDraft,
  ): Promise<{
    readonly broken: readonly Lease[];
    readonly covering?: Lease;
    readonly claimed?: Lease;
  }>;
  /** Every live lease, by path; of one holder when named. Of very many, a portion per operation. */
  list(holder?: string): Promise<readonly Lease[]>;
  /** How many leases are live, without reading them. */
  count(): Promise<number>;
}
