/**
 * Eight processes work through one backlog, and every operation is on the disk before it returns.
 * @module
 */
import { NAMES, type Way, worker } from "./claimer.ts";
import type { Benchmark, Figure } from "./figure.ts";
import { alternate, perSecond, quantile, type Series, withCopy, withDirectory } from "./harness.ts";
import { fill } from "./queue.ts";

const PROCESSES = 8;
const BACKLOG = 60_000;
const WARM_UP = 20;
const WORST_WAIT_MS = 60;

type Metric = "rate" | "cpu" | "spread" | "p50" | "p99" | "worst";

/** The benchmark. */
export const claimComplete8: Benchmark = {
  name: "claim-complete-8",
  about: `claim and complete, ${PROCESSES} processes, durability full`,
  run: ({ rounds, quick }) =>
    withDirectory((bare) =>
      withDirectory(async (ours) => {
        const backlog = quick ? BACKLOG / 4 : BACKLOG;
        await fill("bare", bare, backlog);
        await fill("ours", ours, backlog);
        const forMs = quick ? 1000 : 5000;
        const turn = (way: Way) => () =>
          withCopy(
            way === "bare" ? bare : ours,
            (directory) => together(way, directory, forMs),
          );
        const series = await alternate(rounds, {
          bare: turn("bare"),
          separate: turn("separate"),
          fused: turn("fused"),
        });
        return figures(series);
      })
    ),
};

async function together(way: Way, directory: string, forMs: number) {
  const args = { way, directory, durability: "full", warmUp: WARM_UP, forMs } as const;
  const results = await worker.run(Array.from({ length: PROCESSES }, () => args));
  const counts = results.map(({ tasks }) => tasks);
  const callsMs = results.flatMap(({ callsUs }) => callsUs).map((us) => us / 1000);
  const all = counts.reduce((sum, count) => sum + count, 0);
  return {
    rate: perSecond(all, forMs),
    cpu: results.reduce((sum, { cpuUs }) => sum + cpuUs, 0) / all,
    spread: Math.max(...counts) / Math.min(...counts),
    p50: quantile(callsMs, 0.5),
    p99: quantile(callsMs, 0.99),
    worst: quantile(callsMs, 1),
  };
}

function figures(series: Series<Way, Metric>): Figure[] {
  const rows = (metric: Metric, name: string, unit: string, target?: Figure["target"]) =>
    (["separate", "fused"] as const).map((way): Figure => ({
      name: `${NAMES[way]}: ${name}`,
      unit,
      values: series[way][metric],
      beside: { name: "bare", values: series.bare[metric] },
      ...(target && { target }),
    }));
  return [
    ...rows("rate", "all together", "tasks/s", { of: "ratio", atLeast: 1 }),
    ...rows("cpu", "processor time of a task", "us"),
    ...rows("spread", "most over fewest of a process", ""),
    ...rows("p50", "one call p50", "ms"),
    ...rows("p99", "one call p99", "ms"),
    ...rows("worst", "one call, worst", "ms", { of: "median", atMost: WORST_WAIT_MS }),
  ];
}
