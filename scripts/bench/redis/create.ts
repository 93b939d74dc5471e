/**
 * How fast tasks are added on Redis.
 * @module
 */
import type { Benchmark, Figure } from "../figure.ts";
import { alternate, defineWorker, type Effort, perSecond } from "../harness.ts";
import { draft } from "../queue.ts";
import type { Peers } from "./peers.ts";
import { openQueue } from "./queue.ts";
import type { Place, Site } from "./site.ts";

interface Args {
  readonly side: "bare" | "ours";
  readonly place: Place;
  /** Tasks per operation. */
  readonly batch: number;
  readonly warmUp: number;
  readonly tasks: number;
}

/** One creating process; answers with the milliseconds that its operations took. */
export const worker = defineWorker<Args, number>(
  import.meta.url,
  async ({ side, place, batch, warmUp, tasks }, start) => {
    const queue = await openQueue(side, place);
    const drafts = Array.from({ length: batch }, (_, index) => draft(index));
    const run = async (count: number) => {
      for (let done = 0; done < count; done += batch) await queue.create(drafts);
    };
    await run(warmUp);
    await start();
    const startedAt = performance.now();
    await run(tasks);
    const ms = performance.now() - startedAt;
    await queue.close();
    return ms;
  },
);

/** The benchmark. */
export function create(site: Site, peers: Peers): Benchmark {
  return {
    name: "create",
    about: "tasks created by one process, one by one and in batches",
    run: async (effort) => [
      ...await measure(site, peers, effort, 1, 5000),
      ...await measure(site, peers, effort, 1000, 100_000),
    ],
  };
}

async function measure(
  site: Site,
  { bullmq }: Peers,
  { rounds, quick }: Effort,
  batch: number,
  all: number,
): Promise<Figure[]> {
  const tasks = quick ? all / 20 : all;
  const amount = { batch, warmUp: batch === 1 ? 500 : 5000, tasks };
  const turn = (side: Args["side"]) => () =>
    site.withPlace(async (place) => {
      const [ms] = await worker.run([{ side, place, ...amount }]);
      return { rate: perSecond(tasks, ms!) };
    });
  const series = await alternate<string, "rate">(rounds, {
    ...(bullmq && {
      bullmq: () =>
        site.withPlace(async (place) => {
          const { ms } = await bullmq<{ ms: number }>(place, { mode: "add", ...amount });
          return { rate: perSecond(tasks, ms) };
        }),
    }),
    bare: turn("bare"),
    ours: turn("ours"),
  });
  const own = {
    name: batch === 1 ? "one by one" : `in batches of ${batch}`,
    unit: "tasks/s",
    values: series.ours!.rate,
  };
  const fast = batch > 1 && { target: { of: "median", atLeast: 50_000 } as const };
  return [
    ...(series.bullmq
      ? [{ ...own, beside: { name: "BullMQ", values: series.bullmq.rate }, ...fast }]
      : []),
    { ...own, beside: { name: "bare scripts", values: series.bare!.rate } },
  ];
}
