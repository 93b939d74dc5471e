/**
 * Whether everybody who waited was answered: within the limit, and soon after there was something to be told. Time in
 * which the server, the connection or the process itself was under a fault does not count.
 * @module
 */
import type { Call, Evidence } from "./check.ts";
import type { Fault } from "./history.ts";

/** An answer may come so much later, on a machine with other things to do. */
const PATIENCE_MS = 5000;

/** Examines every wait. */
export function checkWaiters({ calls, faults, check }: Evidence): void {
  const healthyMs = healthOf(faults);
  const decidedMs = new Map<string, number>();
  const messages: Call[] = [];
  for (const call of calls) {
    if (call.outcome !== "ok") continue;
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

/** How much of a stretch of time no fault touched the worker in a slot. */
function healthOf(
  faults: readonly Fault[],
): (fromMs: number, toMs: number, slot: number) => number {
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
