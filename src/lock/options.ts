/**
 * What the operations on locks take, and how they refuse.
 * @module
 */
import type { Lease, LockMode } from "./model.ts";
import type { AcquireOutcome } from "./store.ts";

/** How to acquire. */
export interface AcquireOptions {
  /** Default `exclusive`. */
  readonly mode?: LockMode;
  /** Length of the lease in milliseconds, 100 ms to 30 days. Default 300 000 (5 minutes). */
  readonly ttlMs?: number;
  /** How long to queue for it, in milliseconds. Default 0: refuse at once. */
  readonly waitMs?: number;
  /** What it is for, one line of at most 512 characters; shown to whoever is refused. */
  readonly intent?: string;
  /** Renew what this agent already holds and keep its fence, instead of refusing. Default `false`. */
  readonly reentrant?: boolean;
  /** Allow paths outside the project. Default `false`. */
  readonly absolute?: boolean;
  /** Ends the wait early. */
  readonly signal?: AbortSignal;
}

/** How to hold. */
export interface HoldOptions extends AcquireOptions {
  /**
   * How long before the lease can lapse the signal fires, in milliseconds; less than `ttlMs`. Default: a tenth of
   * it.
   */
  readonly marginMs?: number;
}

/** Which tenure a call means. */
export interface TenureOptions {
  /** The lease's fence; without it the acting agent's current lease is meant. */
  readonly fence?: number;
  /** Allow paths outside the project. Default `false`. */
  readonly absolute?: boolean;
}

/** How to renew. */
export interface RenewLockOptions extends TenureOptions {
  /** Counted from now, 100 ms to 30 days. Default: as long as each was acquired for. Never shortens a lease. */
  readonly ttlMs?: number;
}

/** How to check. */
export interface CheckOptions {
  /** Default `exclusive`: with `shared`, other shared holders keep nobody out. */
  readonly mode?: LockMode;
  /** Allow paths outside the project. Default `false`. */
  readonly absolute?: boolean;
}

/** How to break. */
export interface BreakOptions {
  /** Why, at most 64 KiB; goes into the audit log. */
  readonly reason: string;
  /** Allow paths outside the project. Default `false`. */
  readonly absolute?: boolean;
}

/** Locks to act on: paths as a caller writes them, or the leases that acquiring them gave. */
export type LockTarget = string | readonly (string | Lease)[];

/** Why an acquisition was refused. */
export type Refusal = Extract<AcquireOutcome, { kind: "held" }>;
