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
}
