/**
 * Whether everybody who waited was answered: within the limit, and soon after there was something to be told. Time in
 * which the server, the connection or the process itself was under a fault does not count.
 * @module
 */
import type { Call, Evidence } from "./check.ts";
import type { Fault } from "./history.ts";

/** An answer may come so much later, on a machine with other things to do. */
const PATIENCE_MS = 5000;

/** Calls that began so close together may be served in any order. */
const TOGETHER_MS = 1000;

/** Examines every wait. */
export function checkWaiters(evidence: Evidence): void {
  const { calls, faults, excusedBeforeMs, check } = evidence;
  const healthyMs = healthOf(faults);
  checkTurns(evidence, healthyMs);
  const decidedMs = new Map<string, number>();
  const messages: Call[] = [];
  for (const call of calls) {
    // What the server forgot before the waiter saw it is not told to anybody.
    if (call.outcome !== "ok" || call.fromMs < excusedBeforeMs) continue;
    if (call.operation === "approval.decide") decidedMs.set(call.given.id!, call.toMs);
    if (call.operation === "board.reply" && call.given.to !== undefined) messages.push(call);
  }
  const addressed = Map.groupBy(messages, ({ given }) => given.to!);
  for (const call of calls) {
    const { operation, given: { limitMs, id }, agent, fromMs, toMs, slot } = call;
    if (limitMs === undefined || toMs === Infinity) continue;
    const lateMs = healthyMs(fromMs + limitMs, toMs, slot);
    check(
      lateMs <= PATIENCE_MS,
      () => `${operation} of ${agent} ended ${Math.round(lateMs)} ms after its limit`,
    );
    const arrivedMs = operation === "approval.wait"
      ? decidedMs.get(id!)
      : operation === "inbox.wait"
      ? addressed.get(agent)?.find((one) => one.toMs > fromMs && one.toMs < toMs)?.toMs
      : undefined;
    if (arrivedMs === undefined) continue;
    const forgottenMs = healthyMs(Math.max(arrivedMs, fromMs), toMs, slot);
    check(
      forgottenMs <= PATIENCE_MS,
      () => `${operation} of ${agent} was forgotten for ${Math.round(forgottenMs)} ms`,
    );
  }
}

/** Nobody who came later was given a lock long before somebody who waited for it all the time. */
function checkTurns({ calls, excusedBeforeMs, check }: Evidence, healthyMs: Healthy): void {
  const acquired = calls.filter(({ operation }) => operation === "lock.acquire");
  const granted = Map.groupBy(
    acquired.filter(({ outcome }) => outcome === "ok"),
    ({ given }) => given.path!,
  );
  for (const { given: { path }, agent, outcome, fromMs, toMs, slot } of acquired) {
    // A server that forgot has forgotten the queue, too.
    if (fromMs < excusedBeforeMs) continue;
    // Whoever was refused by a store that failed had left the queue, which nobody wrote down.
    if (toMs - fromMs <= PATIENCE_MS || outcome === "store_unavailable" || toMs === Infinity) {
      continue;
    }
    const later = granted.get(path!)?.filter((one) =>
      one.fromMs > fromMs + TOGETHER_MS && healthyMs(one.toMs, toMs, slot) > PATIENCE_MS
    ) ?? [];
    check(
      later.length === 0,
      () =>
        `lock.acquire of ${agent} was forgotten: ${later.length} who came later had ${path}`,
    );
  }
}

/** How much of a stretch of time no fault touched the worker in a slot. */
type Healthy = (fromMs: number, toMs: number, slot: number) => number;

function healthOf(faults: readonly Fault[]): Healthy {
  const inOrder = faults.toSorted((a, b) => a.fromMs - b.fromMs);
  return (fromMs, toMs, slot) => {
    if (toMs - fromMs <= PATIENCE_MS) return Math.max(0, toMs - fromMs);
    let [healthy, reached] = [0, fromMs];
    for (const fault of inOrder) {
      if (fault.slot !== undefined && fault.slot !== slot || fault.toMs <= reached) continue;
      if (fault.fromMs >= toMs) break;
      healthy += Math.max(0, fault.fromMs - reached);
      reached = fault.toMs;
    }
    return healthy + Math.max(0, toMs - reached);
  };
}
