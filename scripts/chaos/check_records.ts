/**
 * Whether what was acknowledged is there in the end, once, and nothing twice.
 * @module
 */
import type { Evidence } from "./check.ts";
import type { Operation } from "./history.ts";

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

/** Who followed the stream was told everything from where it began, in order and once. */
function checkFollowers({ lines, final, excusedBeforeMs, check }: Evidence): void {
  const told = lines.flatMap((line) => line.kind === "event" ? [line] : []);
  // What was told before the server lost its memory may be missing in the end.
  const lost = told.filter(({ atMs }) => atMs < excusedBeforeMs).map(({ id }) => id);
  const floor = lost.reduce((most, id) => id > most ? id : most, "");
  const kept = final.events.map(({ id }) => id).filter((id) => id > floor);
  for (const [follower, events] of Map.groupBy(told, (line) => line.follower)) {
    const ids = events.map(({ id }) => id);
    for (const [index, id] of ids.entries()) {
      const before = ids[index - 1];
      check(
        before === undefined || id > before,
        () => `follower ${follower} was told of ${id} after ${before}`,
      );
    }
    const seen = new Set(ids);
    const [first, last] = [ids[0]!, ids.at(-1)!];
    for (const id of kept) {
      if (id < first || id > last) continue;
      check(seen.has(id), () => `follower ${follower} was never told of ${id}`);
    }
  }
}
