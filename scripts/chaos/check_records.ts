/**
 * Whether what was acknowledged is there in the end, once, and nothing twice.
 * @module
 */
import type { Evidence } from "./check.ts";
import type { Fault, Operation } from "./history.ts";

/** What was out of reach is told so soon after. */
const LATE_MS = 5000;

/** A record as far as this is concerned. */
interface Kept {
  readonly id: string;
  readonly nonce: string;
}

/** Examines every kind of record that calls made. */
export function checkRecords(evidence: Evidence): void {
  const { final } = evidence;
  once("task.create", final.tasks, evidence);
  once("board.post", final.threads, evidence);
  once("board.reply", final.replies, evidence);
  once("approval.request", final.approvals, evidence);
  once("audit.log", final.entries.map(({ id, reason }) => ({ id, nonce: reason })), evidence);
  checkDecisions(evidence);
  checkFollowers(evidence);
}

function once(
  operation: Operation,
  kept: readonly Kept[],
  { calls, excusedBeforeMs, check }: Evidence,
): void {
  const idOf = new Map<string, string>();
  const ids = new Set<string>();
  for (const { id, nonce } of kept) {
    check(!idOf.has(nonce), () => `what ${operation} made is there twice: ${nonce}`);
    check(!ids.has(id), () => `what ${operation} made is listed twice: ${id}`);
    idOf.set(nonce, id);
    ids.add(id);
  }
  for (const call of calls) {
    if (call.operation !== operation || call.outcome !== "ok") continue;
    const { nonce } = call.given;
    const id = idOf.get(nonce!);
    if (id === undefined && call.fromMs < excusedBeforeMs) continue;
    check(
      id === call.answer.id,
      () => `${operation} was answered with ${call.answer.id} (${nonce}), which is ${id ?? "lost"}`,
    );
  }
}

/** Each decision that was acknowledged is the one that stands. */
function checkDecisions({ calls, final, excusedBeforeMs, check }: Evidence): void {
  const byId = new Map(final.approvals.map((approval) => [approval.id, approval]));
  for (const { operation, outcome, given: { id, status }, agent, fromMs } of calls) {
    if (operation !== "approval.decide" || outcome !== "ok" || fromMs < excusedBeforeMs) continue;
    const found = byId.get(id!);
    check(
      found?.status === status && found?.decidedBy === agent,
      () =>
        `approval ${id} was ${status} by ${agent}, and is ${found?.status} by ${found?.decidedBy}`,
    );
  }
}

/**
 * Who followed the stream was told everything from where it began, once and in order; only what was out of reach while
 * another store stood in comes late, all of it in one stretch when that is over.
 */
function checkFollowers({ lines, faults, final, excusedBeforeMs, check }: Evidence): void {
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
