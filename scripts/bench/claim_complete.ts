/**
 * One process works through a backlog.
 * @module
 */
import { NAMES, type Way, worker } from "./claimer.ts";
import type { Benchmark, Figure } from "./figure.ts";
import { alternate, perSecond, withCopy, withDirectory } from "./harness.ts";
import { fill } from "./queue.ts";

const BACKLOG = 10_000;
const WARM_UP = 500;

/** The benchmark. */
export const claimComplete: Benchmark = {
  name: "claim-complete",
  about: `claim and complete, one process, backlog ${BACKLOG}, durability normal`,
  run: ({ rounds, quick }) =>
    withDirectory((bare) =>
      withDirectory(async (ours) => {
        await fill("bare", bare, BACKLOG);
        await fill("ours", ours, BACKLOG);
        const tasks = quick ? 500 : 4000;
        const turn = (way: Way) => () =>
          withCopy(way === "bare" ? bare : ours, async (directory) => {
            const args = { way, directory, durability: "normal", warmUp: WARM_UP, tasks } as const;
            const [result] = await worker.run([args]);
            const { tasks: done, ms, cpuUs } = result!;
            return { rate: perSecond(done, ms), cpu: cpuUs / done };
          });
        const series = await alternate(rounds, {
          bare: turn("bare"),
          separate: turn("separate"),
          fused: turn("fused"),
        });
        return (["separate", "fused"] as const).flatMap((way): Figure[] => [{
          name: NAMES[way],
          unit: "tasks/s",
          values: series[way].rate,
          beside: { name: "bare", values: series.bare.rate },
          target: { of: "ratio", atLeast: 0.6 },
        }, {
          name: `${NAMES[way]}: processor time of a task`,
          unit: "us",
          values: series[way].cpu,
          beside: { name: "bare", values: series.bare.cpu },
        }]);
      })
    ),
};
