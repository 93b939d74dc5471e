/**
 * Where a store without memory starts to count: above every fence, and every event number, that was
 * handed out before.
 *
 * A fence is compared with older ones, perhaps in a place outside the store that outlives it. A store that is
 * new, was emptied, was restored from a copy, or takes over from another one cannot know the older ones, so
 * its first number comes from the clock: seconds since 2025 × 65 536. A store that counts on from there
 * stays below what a later one starts with, unless it hands out more than 65 536 fences a second for as long
 * as it exists; and the numbers stay below 2^53 until the year 6000.
 * @module
 */

/** 2025-01-01T00:00:00Z, before the first release. */
export const SINCE_MS = 1_735_689_600_000;
/** How often within a second the start moves on, so that stores made one after another differ. */
const STEPS_A_SECOND = 256;
/** Numbers that each of these steps leaves room for. */
const NUMBERS_A_STEP = 256;

/**
 * The number after which a store without memory goes on at `nowMs`, an epoch millisecond: seconds since
 * 2025-01-01T00:00:00Z × 65 536, whole 256ths of a second; or `known`, the last number that is known to be
 * taken, when that is more.
 */
export function startAfter(nowMs: number, known: number): number {
  const steps = Math.floor((nowMs - SINCE_MS) * STEPS_A_SECOND / 1000);
  return Math.max(known, steps * NUMBERS_A_STEP);
}
