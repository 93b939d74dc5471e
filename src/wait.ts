/**
 * Waiting for a store's answer: woken by whoever changes it, with a slow poll as safety net.
 * @module
 */
import type { Clock } from "./clock.ts";
import type { Waker } from "./engine/waker.ts";

/** A waiter looks at the store at least this often, in case a wake-up was lost. */
export const POLL_MS = 1000;

/** What one look at the store gave: the answer, or how long it may take at most to change. */
export type Look<T> = { readonly answer: T } | { readonly retryInMs?: number };

/** How long and on what to wait. */
export interface WaitOptions {
  /** Longest wait; after it one last look decides. */
  readonly waitMs: number;
  /** Gives this process's waker; not called when there is no time to wait. */
  readonly waker: () => Waker;
  /** Measures the wait. */
  readonly clock: Clock;
  /** Ends the wait early. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Calls `look` until it answers. Returns `undefined` when the time ran out or `signal` fired first.
 * A look is handed the waker to wake when its answer may change, or `undefined` when no other
 * look follows.
 */
export async function waitFor<T>(
  look: (waker: Waker | undefined) => Promise<Look<T>>,
  { waitMs, waker: wakerOf, clock, signal }: WaitOptions,
): Promise<T | undefined> {
  const deadline = clock.monotonicMs() + waitMs;
  for (;;) {
    const left = deadline - clock.monotonicMs();
    const waker = left <= 0 || signal?.aborted ? undefined : wakerOf();
    await waker?.ready;
    const seen = waker?.wakes ?? 0;
    const result = await look(waker);
    if ("answer" in result) return result.answer;
    if (waker === undefined) return undefined;
    const pause = Math.min(result.retryInMs ?? POLL_MS, POLL_MS, left);
    await waker.wait(seen, Math.max(pause, 1), signal);
  }
}
