/**
 * Locks as everybody sees them.
 * @module
 */

/** `exclusive` tolerates nobody else; `shared` tolerates other shared holders. */
export type LockMode = "exclusive" | "shared";

/** One uninterrupted tenure of one path. */
export interface Lease {
  /** Normalised path; relative to the project unless it starts with `/`. */
  readonly path: string;
  /** How it is held. */
  readonly mode: LockMode;
  /** Name of the agent that holds it. */
  readonly holder: string;
  /** Grows with every tenure in the namespace; paths acquired together share one. */
  readonly fence: number;
  /** What the holder wants it for; may be empty. */
  readonly intent: string;
  /** When it was granted, in epoch milliseconds. */
  readonly acquiredAtMs: number;
  /** When it lapses unless renewed, in epoch milliseconds of the store's clock. */
  readonly expiresAtMs: number;
  /** The task whose claim took it: the lease is renewed and ends with that claim. Absent of other leases. */
  readonly taskId?: string;
}

/** How one path stands for an agent that would lock it. */
export interface LockCheck {
  /** Normalised, as leases have it. */
  readonly path: string;
  /** `free`; `mine`: the agent itself holds it; `held`: another agent keeps it out. */
  readonly state: "free" | "mine" | "held";
  /** The lease on the path, above it or below it; absent when it is free. */
  readonly lease?: Lease;
}

/** How long a waiter that was called has the right to be first. */
export const CALL_MS = 250;

/** A waiter looks at the store every second; unseen for this long, it is dead or frozen. */
export const SILENCE_MS = 5000;

/**
 * A waiter that was taken over from another store has no waker until its process has looked, within a second: until then
 * it is as if it were called only at the end of that.
 */
export const LOOKS_WITHIN_MS = 1000;

/**
 * How many waiters one operation looks at, in the order they came, of those that the paths concern which it has
 * changed or asks for; and how many names of theirs, since each may want a thousand paths. Measured on two shared cores:
 * to end a lease that 256 wait for, each for paths of its own, takes 4 ms on a server and 6 to 15 in a directory.
 */
export const WAITERS_LOOKED_AT = 256;
export const WAITER_NAMES_LOOKED_AT = 4096;

/** How many leases that have lapsed one operation ends, besides its own work. */
export const LOCKS_EXPIRED_AT_ONCE = 32;
