/**
 * How fast tasks are added.
 * @module
 */
import type { Durability } from "./bare.ts";
import type { Benchmark, Figure } from "./figure.ts";
import { alternate, defineWorker, type Effort, perSecond, withDirectory } from "./harness.ts";
import { draft, openQueue, type Side } from "./queue.ts";

interface Args {
  readonly side: Side;
  readonly directory: string;
  readonly durability: Durability;
  /** Tasks per operation. */
  readonly batch: number;
  readonly operations: number;
}

/** One creating process; answers with the milliseconds that its operations took. */
export const worker = defineWorker<Args, number>(
  import.meta.url,
  async ({ side, directory, durability, batch, operations }, start) => {
    const queue = await openQueue(side, directory, durability);
    const drafts = Array.from({ length: batch }, (_, index) => draft(index));
    const run = async (count: number) => {
      for (let done = 0; done < count; done++) await queue.create(drafts);
    };
    await run(Math.ceil(300 / batch));
    await start();
    const startedAt = performance.now();
    await run(operations);
    const ms = performance.now() - startedAt;
    await queue.close();
    return ms;
  },
);

/** The benchmark. */
export const create: Benchmark = {
  name: "create",
  about: "tasks created by one process, one by one and in batches",
  run: async (effort) => [
    ...await measure(effort, "normal", 1, 4000),
    ...await measure(effort, "full", 1, 1000),
    ...await measure(effort, "normal", 1000, 20),
    ...await measure(effort, "full", 1000, 20),
  ],
};

async function measure(
  { rounds, quick }: Effort,
  durability: Durability,
  batch: number,
  all: number,
): Promise<Figure[]> {
  const operations = quick ? all / 10 : all;
  const turn = (side: Side) => () =>
    withDirectory(async (directory) => {
      const [ms] = await worker.run([{ side, directory, durability, batch, operations }]);
      return { rate: perSecond(batch * operations, ms!) };
    });
  const { bare, ours } = await alternate(rounds, { bare: turn("bare"), ours: turn("ours") });
  const how = batch === 1 ? "one by one" : `in batches of ${batch}`;
  return [{
    name: `${how}, durability ${durability}`,
    unit: "tasks/s",
    values: ours.rate,
    beside: { name: "bare", values: bare.rate },
  }];
}
