/**
 * The directory store's clock: what the host's clocks make of "now" inside an operation.
 *
 * The rule. As long as the host's wall clock is not behind the last instant the store has seen, it is the store's
 * clock. When it is behind, the store's clock goes on from where it was by what really passes; it never
 * steps back and never stands still for longer than {@linkcode SLACK_MS}, so leases lapse at real speed.
 *
 * Why not otherwise. Waiting until the wall clock has caught up (the greater of the two) freezes every lease
 * for as long as the clock was set back: a year, if it was a year. Adding up the steps forward of the
 * wall clock between operations runs away when processes disagree: one whose clock is an hour ahead adds an
 * hour each time it follows one whose clock is right. So what passes is measured from a fixed point, the
 * anchor, which the first operation that finds the wall clock behind puts into the store: the store's time, the
 * wall clock and the host's uptime at that moment. Since then has passed what the wall clock or the uptime says,
 * whichever is less; a process with a clock of its own can make either too large, and not both. When that
 * is before the anchor, or behind what the store has seen (set back again, restarted), the anchor is put anew.
 *
 * What remains. A process whose clock is ahead moves the store's clock there, once: nobody can tell it from a
 * clock that was put right, and leases may lapse early that once. From then on the others go on at real
 * speed from there, and it finds the store where its own clock is. `status` and `doctor` say how far the store's
 * clock is ahead.
 * @module
 */

/** Processes read the clock at slightly different moments: this far behind is not yet set back. */
export const SLACK_MS = 1000;

/** What the store keeps of its clock; the anchor's parts are `null` while the wall clock is followed. */
export interface ClockRow {
  readonly now_ms: number;
  readonly anchor_now_ms: number | null;
  readonly anchor_wall_ms: number | null;
  readonly anchor_uptime_ms: number | null;
}

/** The host's clocks: epoch milliseconds, and milliseconds since the host was started. */
export interface HostClocks {
  readonly nowMs: () => number;
  readonly uptimeMs: () => number;
}

/** One reading, with what to keep of it. */
export interface ClockReading {
  readonly row: ClockRow;
  /** Whether the anchor was put or taken away, so that even an operation that changes nothing else keeps it. */
  readonly moved: boolean;
  /** How far the store's clock is ahead of the host's wall clock. */
  readonly aheadMs: number;
}

/** Reads the store's clock. */
export function readClock(last: ClockRow, host: HostClocks): ClockReading {
  const wallMs = host.nowMs();
  const anchored = last.anchor_now_ms !== null;
  const reading = (row: ClockRow, moved: boolean) => ({ row, moved, aheadMs: row.now_ms - wallMs });
  if (!anchored) {
    if (wallMs >= last.now_ms) return reading(followed(wallMs), false);
    if (last.now_ms - wallMs < SLACK_MS) return reading(followed(last.now_ms), false);
  }
  const uptimeMs = host.uptimeMs();
  if (anchored) {
    const passedMs = Math.min(wallMs - last.anchor_wall_ms!, uptimeMs - last.anchor_uptime_ms!);
    const behindMs = last.now_ms - (last.anchor_now_ms! + passedMs);
    const nowMs = last.now_ms + Math.max(0, -behindMs);
    // Followed again only once it has caught up with what has really passed.
    if (wallMs >= nowMs) return reading(followed(wallMs), true);
    // A wall clock that was set back again would hold the store's clock up: then a new anchor is put.
    if (passedMs >= 0 && behindMs < SLACK_MS) return reading({ ...last, now_ms: nowMs }, false);
  }
  const row = {
    now_ms: last.now_ms,
    anchor_now_ms: last.now_ms,
    anchor_wall_ms: wallMs,
    anchor_uptime_ms: uptimeMs,
  };
  return reading(row, true);
}

function followed(nowMs: number): ClockRow {
  return { now_ms: nowMs, anchor_now_ms: null, anchor_wall_ms: null, anchor_uptime_ms: null };
}
