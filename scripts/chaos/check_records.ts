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
