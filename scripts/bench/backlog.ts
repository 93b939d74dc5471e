/**
 * What a claim costs when many tasks wait.
 * @module
 */
import type { Benchmark } from "./figure.ts";
import { alternate, defineWorker, median, withCopy, withDirectory } from "./harness.ts";
import { draft, fill, openQueue } from "./queue.ts";

const SMALL = 1000;
const LARGE = 100_000;
const RARE = "rare";

/** Claims one after another, completing each, and times the claims. */
interface Args {
  readonly directory: string;
  readonly warmUp: number;
  readonly claims: number;
  /** Before each claim, adds one task with this tag, behind all others, and claims by the tag. */
  readonly tag?: string;
}

/** One claiming process; answers with the time of each claim in microseconds. */
export const worker = defineWorker<Args, readonly number[]>(
  import.meta.url,
  async ({ directory, warmUp, claims, tag }, start) => {
    const queue = await openQueue("ours", directory, "normal");
    const tags = tag === undefined ? [] : [tag];
    const timed = async () => {
      if (tag !== undefined) await queue.create([{ ...draft(0), priority: 0, tags }]);
      const before = performance.now();
      const task = await queue.claim(tags);
      const us = (performance.now() - before) * 1000;
      await queue.complete(task!);
      return us;
    };
    for (let done = 0; done < warmUp; done++) await timed();
    await start();
    const times: number[] = [];
    for (let done = 0; done < claims; done++) times.push(await timed());
    await queue.close();
    return times;
  },
);

/** The benchmark. */
export const backlog: Benchmark = {
  name: "backlog",
  about: `one claim when ${SMALL} and when ${LARGE} tasks wait, durability normal`,
  run: ({ rounds, quick }) =>
    withDirectory((small) =>
      withDirectory(async (large) => {
        const many = quick ? LARGE / 10 : LARGE;
        const tagsOf = (index: number) => ["common", `team-${index % 10}`];
        await fill("ours", small, SMALL, tagsOf);
        await fill("ours", large, many, tagsOf);
        const turn = (template: string, tag?: string) => () =>
          withCopy(template, async (directory) => {
            const args = { directory, warmUp: 200, claims: quick ? 100 : 300 };
            const [times] = await worker.run([tag === undefined ? args : { ...args, tag }]);
            return { us: median(times!) };
          });
        const series = await alternate(rounds, {
          small: turn(small),
          large: turn(large),
          rareSmall: turn(small, RARE),
          rareLarge: turn(large, RARE),
        });
        const target = { of: "ratio", atMost: 1.3 } as const;
        return [{
          name: `claim p50 at ${many}`,
          unit: "us",
          values: series.large.us,
          beside: { name: `at ${SMALL}`, values: series.small.us },
          target,
        }, {
          name: `claim p50 by a tag that only the last of ${many} carries`,
          unit: "us",
          values: series.rareLarge.us,
          beside: { name: `of ${SMALL}`, values: series.rareSmall.us },
          target,
        }];
      })
    ),
};
