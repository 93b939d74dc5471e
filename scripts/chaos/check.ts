/**
 * Judges the history of a fault campaign. It shares no code with the program: what it knows of locks, tasks and the
 * audit log is written here once more, so that a mistake over there is not made twice.
 * @module
 */
import { createHash } from "node:crypto";
import { checkFollowers, checkTails } from "./check_followers.ts";
import { checkRecords } from "./check_records.ts";
import { checkWaiters } from "./check_waiters.ts";
import type { Essence, Fault, Final, History, Line, Operation } from "./history.ts";

/** One call, from its beginning to its answer. */
export interface Call {
  readonly operation: Operation;
  readonly agent: string;
  readonly pid: number;
  readonly slot: number;
  readonly fromMs: number;
  /** Infinite when there was no answer. */
  readonly toMs: number;
  readonly outcome: string;
  readonly given: Essence;
  readonly answer: Essence;
  readonly message: string;
}

/** What all checks look at. */
export interface Evidence {
  readonly calls: readonly Call[];
  readonly faults: readonly Fault[];
  readonly final: Final;
  readonly lines: readonly Line[];
  /** What calls that began before this had acknowledged may be gone. */
  readonly excusedBeforeMs: number;
  /** Notes a sentence unless it holds. */
  readonly check: (holds: boolean, sentence: () => string) => void;
}

/** Instants of two processes and of a server that rounds to milliseconds are compared with so much indulgence. */
const SLACK_MS = 2;
/** Sentences kept: more would say the same. */
const MOST = 100;

/** What may not be, as sentences; empty when all is well. */
export function check(history: History): readonly string[] {
  const violations: string[] = [];
  const evidence: Evidence = {
    calls: callsOf(history.lines),
    faults: history.faults,
    final: history.final,
    lines: history.lines,
    excusedBeforeMs: Math.max(
      -Infinity,
      ...history.faults.map((one) => one.losesBeforeMs ?? -Infinity),
    ),
    check: (holds, sentence) => {
      if (!holds && violations.length < MOST) violations.push(sentence());
    },
  };
  checkProcesses(evidence);
  checkLocks(evidence);
  checkSections(history, evidence);
  checkTasks(history, evidence);
  checkRecords(evidence);
  checkFollowers(evidence);
  checkTails(evidence);
  checkChain(evidence);
  checkWaiters(evidence);
  return violations;
}

/** The calls that the lines tell of, in the order they began. */
function callsOf(lines: readonly Line[]): readonly Call[] {
  const ends = new Map(lines.flatMap((line) => line.kind === "end" ? [[line.call, line]] : []));
  return lines.flatMap((line) => {
    if (line.kind !== "begin") return [];
    const end = ends.get(line.call);
    return [{
      operation: line.operation,
      agent: line.agent,
      pid: line.pid,
      slot: line.slot,
      fromMs: line.atMs,
      toMs: end?.atMs ?? Infinity,
      outcome: end?.outcome ?? "unanswered",
      given: line.given,
      answer: end?.answer ?? {},
      message: end?.message ?? "",
    }];
  }).toSorted((a, b) => a.fromMs - b.fromMs);
}

/** No process ended that nobody ended, none was answered with what may not be, none has a call open. */
function checkProcesses({ lines, calls, faults, check }: Evidence): void {
  const killed = new Set(faults.map((fault) => fault.killed));
  const left = new Set(lines.flatMap((line) => line.kind === "leave" ? [line.pid] : []));
  for (const line of lines) {
    if (line.kind !== "start" || left.has(line.pid) || killed.has(line.pid)) continue;
    check(false, () => `process ${line.pid} of slot ${line.slot} neither left nor was killed`);
  }
  for (const { operation, outcome, pid, agent, message } of calls) {
    check(outcome !== "unexpected", () => `${operation} of ${agent} was answered with ${message}`);
    check(
      outcome !== "unanswered" || killed.has(pid),
      () => `${operation} of ${agent} (process ${pid}) was never answered`,
    );
  }
}

/** When a lease is believed in by whom it was given to. */
interface Tenure {
  readonly what: string;
  readonly fence: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/** From the answer that gave it to the first attempt to give it back, or to the end that the holder counts on. */
function tenures(
  calls: readonly Call[],
  given: Operation,
  ended: readonly Operation[],
  nameOf: (call: Call) => string,
): readonly Tenure[] {
  const endMs = new Map<number, number>();
  const leaseEndMs = new Map<number, number>();
  for (const { operation, given: { fence }, fromMs } of calls) {
    if (!ended.includes(operation)) continue;
    endMs.set(fence!, Math.min(fromMs, endMs.get(fence!) ?? Infinity));
  }
  for (const { operation, outcome, given: { fence, leaseMs }, fromMs } of calls) {
    if (operation !== "lock.renew" || outcome !== "ok") continue;
    leaseEndMs.set(fence!, Math.max(fromMs + leaseMs!, leaseEndMs.get(fence!) ?? 0));
  }
  return calls.flatMap((call) => {
    const { fence } = call.answer;
    if (call.operation !== given || call.outcome !== "ok" || fence === undefined) return [];
    const leaseMs = Math.max(endOfLease(call), leaseEndMs.get(fence) ?? 0);
    const toMs = Math.min(leaseMs, endMs.get(fence) ?? Infinity);
    return [{ what: nameOf(call), fence, fromMs: call.toMs, toMs }];
  });
}

/** Whoever waited for it was granted it long after the call began. */
function endOfLease({ fromMs, given, answer }: Call): number {
  return answer.untilMs ?? fromMs + given.leaseMs!;
}

/** Two of one thing do not overlap. */
function excludes(all: readonly Tenure[], check: Evidence["check"]): void {
  for (const [what, some] of Map.groupBy(all, (one) => one.what)) {
    let last: Tenure | undefined;
    for (const one of some.toSorted((a, b) => a.fromMs - b.fromMs)) {
      if (one.toMs <= one.fromMs) continue;
      const before = last;
      check(
        before === undefined || one.fromMs >= before.toMs - SLACK_MS,
        () =>
          `${what} was held twice: ${one.fence} began ${
            Math.round(before!.toMs - one.fromMs)
          } ms before ${before!.fence} ended`,
      );
      if (last === undefined || one.toMs > last.toMs) last = one;
    }
  }
}

/** Whoever was given something after another had been given it has the greater fence. */
function fencesGrow(
  calls: readonly Call[],
  nameOf: (call: Call) => string,
  check: Evidence["check"],
): void {
  const given = calls.filter(({ outcome, answer }) =>
    outcome === "ok" && answer.fence !== undefined
  );
  const seen = new Map<number, string>();
  for (const call of given) {
    const other = seen.get(call.answer.fence!);
    check(
      other === undefined,
      () => `fence ${call.answer.fence} was given twice, for ${other} and for ${nameOf(call)}`,
    );
    seen.set(call.answer.fence!, nameOf(call));
  }
  for (const [what, some] of Map.groupBy(given, nameOf)) {
    const answered = some.toSorted((a, b) => a.toMs - b.toMs);
    let [next, highest] = [0, -Infinity];
    for (const call of some) {
      // Where the clock was set back, a call may have ended before it began.
      while (next < answered.length && answered[next]!.toMs < call.fromMs) {
        highest = Math.max(highest, answered[next++]!.answer.fence!);
      }
      check(
        call.answer.fence! > highest,
        () => `${what}: fence ${call.answer.fence} was given after the greater ${highest}`,
      );
    }
  }
}

const lockOf = ({ given }: Call) => `lock ${given.path}`;
const taskOf = ({ answer }: Call) => `task ${answer.id}`;

function checkLocks({ calls, check }: Evidence): void {
  const acquired = calls.filter(({ operation }) => operation === "lock.acquire");
  const held = tenures(calls, "lock.acquire", ["lock.release"], lockOf);
  excludes(held, check);
  fencesGrow(acquired, lockOf, check);
  // A lease that is renewed in time is still there.
  const leaseEndMs = new Map<number, number>();
  for (const call of calls) {
    const { operation, outcome, given, answer, toMs } = call;
    if (outcome === "ok" && (operation === "lock.acquire" || operation === "lock.renew")) {
      leaseEndMs.set(answer.fence!, endOfLease(call));
    }
    // A release may have been executed at an earlier try, whose answer was lost.
    if (operation !== "lock.renew") continue;
    const endMs = leaseEndMs.get(given.fence!) ?? -Infinity;
    check(
      outcome !== "lease_lost" || toMs > endMs - SLACK_MS,
      () =>
        `lock ${given.path}: fence ${given.fence} was lost ${
          Math.round(endMs - toMs)
        } ms too early`,
    );
  }
}

/** By the files that the holders themselves wrote, while they believed in their lease. */
function checkSections({ marks }: History, { calls, check }: Evidence): void {
  const untilMs = new Map(
    tenures(calls, "lock.acquire", ["lock.release"], lockOf).map((
      { fence, toMs },
    ) => [fence, toMs]),
  );
  const ends = new Map(
    marks.flatMap(({ edge, fence, atMs }) => edge === "end" ? [[fence, atMs]] : []),
  );
  const sections = marks.flatMap(({ path, edge, fence, atMs }) => {
    if (edge !== "begin") return [];
    // Its holder may have been killed in it: then it lasts as long as the lease.
    const toMs = Math.min(ends.get(fence) ?? Infinity, untilMs.get(fence) ?? Infinity);
    return [{ what: `the section of lock ${path}`, fence, fromMs: atMs, toMs }];
  });
  excludes(sections, check);
}

function checkTasks(
  { effects }: History,
  { calls, final, excusedBeforeMs, check }: Evidence,
): void {
  const claims = calls.filter(({ operation }) => operation === "task.claim");
  fencesGrow(claims, taskOf, check);
  const held = tenures(calls, "task.claim", ["task.complete"], taskOf);
  excludes(held.filter(({ fromMs }) => fromMs >= excusedBeforeMs), check);
  const done = new Set<string>();
  for (const { id, fence } of effects) {
    check(!done.has(`${id} ${fence}`), () => `task ${id} had two effects in attempt ${fence}`);
    done.add(`${id} ${fence}`);
  }
  const byId = new Map(final.tasks.map((task) => [task.id, task]));
  const completed = new Map<string, number>();
  for (const { operation, outcome, given: { id, fence }, fromMs } of calls) {
    if (operation !== "task.complete" || outcome !== "ok" || fromMs < excusedBeforeMs) continue;
    const other = completed.get(id!);
    check(other === undefined, () => `task ${id} was completed by ${other} and by ${fence}`);
    completed.set(id!, fence!);
    const task = byId.get(id!);
    const wins = task?.attempts.filter((attempt) => attempt.outcome === "completed") ?? [];
    check(
      task?.status === "completed" && wins.length === 1 && wins[0]!.fence === fence,
      () => `task ${id} was completed in attempt ${fence} and is ${task?.status ?? "not there"}`,
    );
  }
  for (const { id, attempts } of final.tasks) {
    const fences = attempts.map(({ fence }) => fence);
    check(
      fences.every((fence, index) => index === 0 || fence > fences[index - 1]!),
      () => `the attempts of task ${id} are not in order: ${fences}`,
    );
  }
}

/** Each content hash and each link, computed anew. */
function checkChain({ final, check }: Evidence): void {
  let previous = "";
  for (
    const { id, agent, decisionType, context, reason, refs, contentHash, link } of final.entries
  ) {
    const sealed = JSON.stringify({ agent, context, decisionType, id, reason, refs });
    const expected = createHash("sha256").update(sealed).digest("hex");
    check(contentHash === expected, () => `the content of audit entry ${id} was changed`);
    const linked = createHash("sha1").update(previous + contentHash).digest("hex");
    check(link === linked, () => `audit entry ${id} does not follow from the one before`);
    previous = link;
  }
}
