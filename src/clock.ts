/**
 * Time as the project reads it: an epoch clock that decides expiry inside a store, and a monotonic
 * clock that only ever makes a client stop sooner.
 * @module
 */

/** Source of time; tests inject their own. All values are milliseconds. */
export interface Clock {
  /** Wall-clock instant: integer milliseconds since the Unix epoch. */
  readonly nowMs: () => number;
  /** Milliseconds since an arbitrary start; never goes backwards. */
  readonly monotonicMs: () => number;
  /**
   * Milliseconds since the host was started, the same for all its processes. Default: `monotonicMs`, which is
   * enough for a clock that one process works with.
   */
  readonly uptimeMs?: () => number;
}

/** The host's clocks. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  uptimeMs: () => Deno.osUptime() * 1000,
};

/** A timer under way: a number in older versions of Deno, an object in newer ones. */
export type Timer = ReturnType<typeof setTimeout>;

/** The longest delay a timer accepts (2^31 − 1 ms, HTML Living Standard §8.6). */
const MAX_TIMER_MS = 2_147_483_647;

/**
 * Resolves after `ms` milliseconds, or at once when `signal` fires; never rejects.
 *
 * @param options `isIdle`: the process may end meanwhile. Default `false`.
 */
export function sleep(
  ms: number,
  signal?: AbortSignal,
  { isIdle = false }: { readonly isIdle?: boolean } = {},
): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    let leftMs = Math.max(ms, 0);
    const finish = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", finish);
      resolve();
    };
    const arm = (): Timer => {
      const partMs = Math.min(leftMs, MAX_TIMER_MS);
      leftMs -= partMs;
      const part = setTimeout(() => leftMs > 0 ? timer = arm() : finish(), partMs);
      if (isIdle) Deno.unrefTimer(part);
      return part;
    };
    let timer = arm();
    signal?.addEventListener("abort", finish, { once: true });
  });
}
