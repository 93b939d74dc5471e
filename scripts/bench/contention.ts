/**
 * Several processes that hold one lock in turn, and reading their traces.
 * @module
 */
import type { Locks } from "../../src/lock/lock.ts";
import type { Start } from "./harness.ts";

/** The lock that all want. */
export const PATH = "the.lock";

/** What one of several processes does: takes the lock and gives it back, a number of times or for a time. */
export interface Turns {
  readonly tenures?: number;
  readonly forMs?: number;
  /** Shortest and longest time it is held. */
  readonly holdMs: readonly [number, number];
  /** Time from giving it back to queueing for it again. */
  readonly restMs: number;
}

/** One process's tenure of the lock. */
export interface Tenure {
  /** Which process. */
  readonly owner: number;
  /** Grows from tenure to tenure. */
  readonly fence: number;
  /** When the process knew that it held the lock, in epoch milliseconds with fractions. */
  readonly fromMs: number;
  /** Just before it called release. */
  readonly toMs: number;
}

/** How long each change of owner took, in milliseconds: from the call of release to the next one's work. */
export function wakeUps(tenures: readonly Tenure[]): number[] {
  return changes(tenures).map(([before, after]) => after.fromMs - before.toMs);
}

/** How often the lock went from one process to another. */
export function changesOfOwner(tenures: readonly Tenure[]): number {
  return changes(tenures).length;
}

/** Most tenures of a process over the fewest; infinite when one of the `processes` had none. */
export function spread(tenures: readonly Tenure[], processes: number): number {
  const counts = [...Map.groupBy(tenures, ({ owner }) => owner).values()].map((own) => own.length);
  return counts.length === processes ? Math.max(...counts) / Math.min(...counts) : Infinity;
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Does one process's part. */
export async function takeTurns(locks: Locks, args: Turns, start: Start): Promise<Tenure[]> {
  const { tenures = Infinity, forMs = Infinity, holdMs: [shortest, longest], restMs } = args;
  const own = `warm-up-${Deno.pid}`;
  for (let done = 0; done < 20; done++) {
    await locks.acquire(own);
    await locks.release(own);
  }
  const epochMs = calibratedClock();
  await start();
  const until = epochMs() + forMs;
  const records: Tenure[] = [];
  while (records.length < tenures && epochMs() < until) {
    const [lease] = await locks.acquire(PATH, { waitMs: 60_000 });
    const fromMs = epochMs();
    if (longest > 0) await wait(shortest + Math.random() * (longest - shortest));
    records.push({ owner: Deno.pid, fence: lease!.fence, fromMs, toMs: epochMs() });
    await locks.release(PATH);
    if (restMs > 0) await wait(restMs);
  }
  return records;
}

function changes(tenures: readonly Tenure[]): [Tenure, Tenure][] {
  const sorted = tenures.toSorted((a, b) => a.fence - b.fence);
  return sorted.slice(1)
    .map((after, index): [Tenure, Tenure] => [sorted[index]!, after])
    .filter(([before, after]) => before.owner !== after.owner);
}

/** Epoch milliseconds with fractions that agree between the processes of one host to some microseconds. */
export function calibratedClock(): () => number {
  // At the instant a new millisecond begins, the epoch clock is exact. Seen late, an edge gives too
  // small an offset, so the greatest of several is the best.
  let offset = -Infinity;
  for (let edge = 0; edge < 25; edge++) {
    const before = Date.now();
    let now = before;
    while (now === before) now = Date.now();
    offset = Math.max(offset, now - performance.now());
  }
  return () => offset + performance.now();
}
