/**
 * How long a failed task waits.
 * @module
 */
import type { Backoff } from "./model.ts";

/** The longest wait after a failure: an hour. */
export const MAX_BACKOFF_MS = 60 * 60 * 1000;

/** What a task waits when its creator did not say: a minute, doubling with every attempt. */
export const DEFAULT_BACKOFF: Backoff = Object.freeze({ kind: "exponential", baseMs: 60_000 });

/** The wait after the `attempt`-th attempt has failed, in milliseconds. */
export function backoffMs({ kind, baseMs }: Backoff, attempt: number): number {
  if (kind === "none") return 0;
  const factor = kind === "linear" ? attempt : 2 ** (attempt - 1);
  return Math.min(baseMs * factor, MAX_BACKOFF_MS);
}
