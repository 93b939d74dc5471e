/**
 * Waiting for a store's answer: woken by a bell, with a slow poll as safety net.
 * @module
 */
import type { Clock } from "./clock.ts";
import type { Bell } from "./engine/bell.ts";

/** A waiter looks at the store at least this often, in case a ring was lost. */
export const POLL_MS = 1000;

/** What one look at the store gave: the answer, or how long it may take at most to change. */
export type Look<T> = { readonly answer: T } | { readonly retryInMs?: number };

/** How long and on what to wait. */
export interface WaitOptions {
  /** Longest wait; after it one last look decides. */
  readonly waitMs: number;
  /** Gives the bell that others ring; not called when there is no time to wait. */
  readonly bell: () => Bell;
  /** Measures the wait. */
  readonly clock: Clock;
  /** Ends the wait early. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Calls `look` until it answers. Returns `undefined` when the time ran out or `signal` fired first.
 * A look is handed the bell that should ring when its answer may change, or `undefined` when no other
 * look follows.
 */
export async function waitFor<T>(
  look: (bell: Bell | undefined) => Promise<Look<T>>,
  { waitMs, bell, clock, signal }: WaitOptions,
): Promise<T | undefined> {
  const deadline = clock.monotonicMs() + waitMs;
  for (;;) {
    const left = deadline - clock.monotonicMs();
    const ear = left <= 0 || signal?.aborted ? undefined : bell();
    await ear?.ready;
    const heard = ear?.rings ?? 0;
    const result = await look(ear);
    if ("answer" in result) return result.answer;
    if (ear === undefined) return undefined;
    const pause = Math.min(result.retryInMs ?? POLL_MS, POLL_MS, left);
    await ear.wait(heard, Math.max(pause, 1), signal);
  }
}
