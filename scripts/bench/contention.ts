/**
 * Reading the traces of several processes that held one lock in turn.
 * @module
 */

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
