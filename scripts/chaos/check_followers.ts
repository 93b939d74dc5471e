/**
 * Whether everybody who followed the event stream or the audit log was told of everything.
 * @module
 */
import type { Evidence } from "./check.ts";
import type { Fault } from "./history.ts";

/** What was out of reach is told so soon after. */
const LATE_MS = 5000;

/**
 * Who followed the stream was told everything from where it began, once and in order; only what was out of reach while
 * another store stood in comes late, all of it in one stretch when that is over.
 */
export function checkFollowers({ lines, faults, final, excusedBeforeMs, check }: Evidence): void {
  const told = lines.flatMap((line) => line.kind === "event" ? [line] : []);
  // What was told before the server lost its memory may be missing in the end.
  const lost = told.filter(({ atMs }) => atMs < excusedBeforeMs).map(({ id }) => id);
  const floor = lost.reduce((most, id) => id > most ? id : most, "");
  const kept = final.events.map(({ id }) => id).filter((id) => id > floor);
  const outages = faults.filter((fault) => fault.outOfReach === true);
  for (const [follower, events] of Map.groupBy(told, (line) => line.follower)) {
    const seen = new Set<string>();
    const endMs = events.at(-1)!.atMs;
    const untilMs = reachedUntilMs(outages, endMs);
    let [highest, before, stretches] = ["", "", 0];
    for (const { id, atMs } of events) {
      check(!seen.has(id), () => `follower ${follower} was told of ${id} twice`);
      seen.add(id);
      if (id < before) {
        stretches++;
        const over = outages.filter(({ fromMs }) => fromMs < atMs).length;
        const last = before;
        check(stretches <= over, () => `follower ${follower} was told of ${id} after ${last}`);
      }
      before = id;
      if (id > highest && atMs < untilMs) highest = id;
    }
    const first = events[0]!.id;
    const missed = kept.filter((id) => id >= first && id <= highest && !seen.has(id));
    check(
      missed.length === 0,
      () => `follower ${follower} was never told of ${missed[0]} (${missed.length} in all)`,
    );
  }
}

/** Who followed the audit log was told every entry of the chain from where it began, once. */
export function checkTails({ lines, faults, final, excusedBeforeMs, check }: Evidence): void {
  const told = lines.flatMap((line) =>
    line.kind === "entry" && line.atMs >= excusedBeforeMs ? [line] : []
  );
  const places = new Map(final.entries.map(({ id }, place) => [id, place]));
  const outages = faults.filter((fault) => fault.outOfReach === true);
  for (const [follower, entries] of Map.groupBy(told, (line) => line.follower)) {
    const untilMs = reachedUntilMs(outages, entries.at(-1)!.atMs);
    const seen = new Set<string>();
    let [first, last] = [Infinity, -1];
    for (const { id, atMs } of entries) {
      check(!seen.has(id), () => `follower ${follower} was told of ${id} twice`);
      seen.add(id);
      const place = places.get(id) ?? -1;
      if (place === -1 || atMs >= untilMs) continue;
      [first, last] = [Math.min(first, place), Math.max(last, place)];
    }
    const missed = final.entries.slice(first, last).filter(({ id }) => !seen.has(id));
    check(
      missed.length === 0,
      () => `follower ${follower} was never told of ${missed[0]!.id} (${missed.length} in all)`,
    );
  }
}

/**
 * Until when events were told of that a follower had to be told of before it ended: whoever ends while another store
 * stands in, or soon after, is not told any more of what was out of reach, nor of that of an outage just before.
 */
function reachedUntilMs(outages: readonly Fault[], endMs: number): number {
  let untilMs = Infinity;
  for (const { fromMs, toMs } of outages.toSorted((a, b) => b.fromMs - a.fromMs)) {
    const lastMs = Math.min(endMs, untilMs);
    if (fromMs <= lastMs && lastMs <= toMs + LATE_MS) untilMs = fromMs;
  }
  return untilMs;
}
