/**
 * When a call that failed is made again.
 * @module
 */
import { StoreUnavailableError } from "../../errors.ts";

/** Longest time that one call is tried again for. */
export const PATIENCE_MS = 5000;
/** Pause before a server that cannot serve right now is asked again. */
const PAUSE_MS = 100;
/** Pause before a call whose connection was lost again is made once more. */
const NEXT_MS = 10;
/** What a server says that is starting, or is about to become the primary. */
const PASSING: readonly unknown[] = ["readonly", "loading", "primary_down", "cluster_down"];

/** Whether the server refused to write because its memory is full. */
export function isOutOfMemory(failure: unknown): boolean {
  return failure instanceof StoreUnavailableError && failure.details.reason === "out_of_memory";
}

/**
 * How long to wait before the call is made again, after so many tries before this one; `undefined` when that would not
 * help.
 */
export function pauseAfter(
  failure: unknown,
  tries: number,
  wasNeverSent: boolean,
): number | undefined {
  // A cluster's client calls itself ready until it has heard that a node is gone: without a pause it never would.
  const nextMs = tries === 0 ? 0 : NEXT_MS;
  if (wasNeverSent) return nextMs;
  if (!(failure instanceof StoreUnavailableError) || !failure.retryable) return undefined;
  const { reason } = failure.details;
  if (PASSING.includes(reason)) return PAUSE_MS;
  // The connection is made again; `ready` waits for it, and for no longer than a command may take.
  return reason === "lost" ? nextMs : undefined;
}

/** The failure of a call that an earlier try may have got done, whatever became of the last. */
export function asSent(failure: unknown): unknown {
  if (!(failure instanceof StoreUnavailableError) || failure.details.sent === true) return failure;
  const { message, details, retryable, cause } = failure;
  return new StoreUnavailableError(message, { ...details, sent: true }, retryable, cause);
}
