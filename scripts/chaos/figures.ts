/**
 * What a fault campaign amounts to, in figures for people.
 * @module
 */
import type { Fault, History, Phase } from "./history.ts";
import type { Change } from "./outages.ts";
import type { Turn } from "./strikes.ts";

/** By name, in the order to print them. */
export type Figures = Readonly<Record<string, string | number>>;

const PHASES: readonly Phase[] = ["at ease", "failing over", "outage", "failing back"];
/** What says how soon there was an answer: what waits for others to do something does not. */
const IMMEDIATE: readonly string[] = ["task.create", "board.post", "board.reply", "audit.log"];

/** What was done and what came of it. */
export function figuresOf({ lines, faults, final }: History): Figures {
  const operations = new Map<string, string>();
  const counts: Record<string, number> = {};
  const add = (name: string) => counts[name] = (counts[name] ?? 0) + 1;
  for (const line of lines) if (line.kind === "begin") operations.set(line.call, line.operation);
  for (const line of lines) {
    if (line.kind === "end") add(`${operations.get(line.call)}: ${line.outcome}`);
  }
  return {
    ...strikesOf(faults),
    ...Object.fromEntries(Object.entries(counts).toSorted(([a], [b]) => a < b ? -1 : 1)),
    "events told to followers": lines.filter(({ kind }) => kind === "event").length,
    "entries told to followers": lines.filter(({ kind }) => kind === "entry").length,
    "audit entries in the end": final.entries.length,
    "tasks in the end": final.tasks.length,
  };
}

/** How often each was done, and in which phase. */
function strikesOf(faults: readonly Fault[]): Figures {
  const figures: Record<string, string | number> = {};
  for (const [what, some] of Map.groupBy(faults, (fault) => fault.what)) {
    const parts = PHASES.flatMap((phase) => {
      const count = some.filter((one) => one.phase === phase).length;
      return count === 0 ? [] : [`${count} ${phase}`];
    });
    const inside = some.filter((one) => one.inside === true).length;
    if (inside > 0) parts.push(`${inside} inside an operation`);
    figures[what] = parts.length === 0 ? some.length : `${some.length} (${parts.join(", ")})`;
  }
  return figures;
}

/** How long a site was without an answer, and how soon it was back on the server, as medians and maxima. */
export function timesOf(
  lines: History["lines"],
  turns: readonly Turn[],
  changes: readonly Change[],
): Figures {
  const begun = new Map(
    lines.flatMap((line) =>
      line.kind === "begin" && IMMEDIATE.includes(line.operation) ? [[line.call, line.atMs]] : []
    ),
  );
  const answers = lines.flatMap((line) => {
    const fromMs = line.kind === "end" && line.outcome === "ok" ? begun.get(line.call) : undefined;
    return fromMs === undefined ? [] : [{ fromMs, toMs: (line as { atMs: number }).atMs }];
  }).toSorted((a, b) => a.toMs - b.toMs);
  const storeAt = (ms: number) => changes.findLast(({ atMs }) => atMs <= ms)?.store ?? "redis";
  const firstAnswers = (how: Turn["what"]) =>
    turns.flatMap(({ what, atMs }, index) => {
      const endMs = turns[index + 1]?.atMs ?? Infinity;
      if (what !== how || storeAt(atMs) !== "redis") return [];
      const first = answers.find(({ fromMs }) => fromMs >= atMs);
      return first === undefined || first.toMs > endMs ? [] : [first.toMs - atMs];
    });
  const returns = turns.flatMap(({ what, atMs }, index) => {
    if (what !== "back" || storeAt(atMs) !== "directory") return [];
    const change = changes.find((one) => one.atMs >= atMs);
    const endMs = turns[index + 1]?.atMs ?? Infinity;
    const { isDamped } = changes.findLast((one) => one.atMs <= atMs)!;
    return change === undefined || change.atMs > endMs
      ? []
      : [{ ms: change.atMs - atMs, isDamped }];
  });
  const timesBack = (isDamped: boolean) =>
    returns.flatMap((one) => one.isDamped === isDamped ? [one.ms] : []);
  return {
    "first answer after the server was killed": summary(firstAnswers("killed")),
    "first answer after it was frozen": summary(firstAnswers("frozen")),
    "back on the server after its return": summary(timesBack(false)),
    "the same soon after an earlier outage": summary(timesBack(true)),
  };
}

function summary(times: readonly number[]): string {
  if (times.length === 0) return "never";
  const sorted = times.toSorted((a, b) => a - b);
  const median = Math.round(sorted[Math.floor(sorted.length / 2)]!);
  return `median ${median} ms, at most ${Math.round(sorted.at(-1)!)} ms (${sorted.length} times)`;
}
