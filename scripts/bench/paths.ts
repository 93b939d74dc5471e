/**
 * What a claim costs that takes locks on a task's paths along, and when nearly all tasks are held up by a path.
 * @module
 */
import type { RoomContext } from "../../src/context.ts";
import { Locks } from "../../src/lock/lock.ts";
import { type NewTask, Tasks } from "../../src/task/task.ts";
import type { Benchmark } from "./figure.ts";
import { alternate, median, withDirectory } from "./harness.ts";
import { openOurs, openOursOnRedis } from "./ours.ts";
import type { Site } from "./redis/site.ts";

const SMALL = 1000;
const LARGE = 100_000;
const HELD_UP = 0.99;
const BATCH = 1000;

/** Calls its body with an empty store. */
type WithStore = <T>(body: (context: RoomContext) => Promise<T>) => Promise<T>;

const KINDS = ["plain", "paths"] as const;
type Kind = typeof KINDS[number];

/** Tasks of which nearly all need what an agent holds, and a claim has found that out. */
async function fill(context: RoomContext, size: number): Promise<Tasks> {
  const tasks = new Tasks(context);
  await new Locks(context).acquire("held", { ttlMs: 24 * 60 * 60 * 1000 });
  const create = async (count: number, draftOf: (index: number) => NewTask) => {
    for (let from = 0; from < count; from += BATCH) {
      const length = Math.min(BATCH, count - from);
      await tasks.create(Array.from({ length }, (_, index) => draftOf(from + index)));
    }
  };
  await create(
    size * HELD_UP,
    (index) => ({ title: `held up ${index}`, paths: [`held/${index}`] }),
  );
  await create(size * (1 - HELD_UP), (index) => ({ title: `ready ${index}`, priority: 0 }));
  const [ready] = await tasks.claim();
  await tasks.release(ready!.id);
  return tasks;
}

/** Adds a task, claims it, and completes it; the median time of the claims in microseconds, by kind. */
async function time(tasks: Tasks, claims: number): Promise<Record<Kind, number>> {
  const times: Record<Kind, number[]> = { plain: [], paths: [] };
  for (let round = 0; round < claims; round++) {
    for (const kind of KINDS) {
      const paths = kind === "paths" ? [`free/${round}`] : [];
      await tasks.create([{ title: kind, tags: [kind], paths }]);
      const before = performance.now();
      const [task] = await tasks.claim({ tags: [kind] });
      times[kind].push((performance.now() - before) * 1000);
      await tasks.complete(task!.id, { fence: task!.lease!.fence });
    }
  }
  return { plain: median(times.plain), paths: median(times.paths) };
}

function benchmark(withStore: WithStore): Benchmark {
  return {
    name: "paths",
    about: `one claim with a path, and when ${HELD_UP * 100} % of all tasks are held up by one`,
    run: ({ rounds, quick }) =>
      withStore((a) =>
        withStore(async (b) => {
          const size = quick ? LARGE / 50 : LARGE;
          const [small, large] = [await fill(a, SMALL), await fill(b, size)];
          const claims = quick ? 50 : 300;
          const series = await alternate(rounds, {
            small: () => time(small, claims),
            large: () => time(large, claims),
          });
          return [{
            name: `claim p50 with a path at ${SMALL}`,
            unit: "us",
            values: series.small.paths,
            beside: { name: "plain", values: series.small.plain },
            target: { of: "ratio", atMost: 1.5 },
          }, {
            name: `claim p50 with a path at ${size}`,
            unit: "us",
            values: series.large.paths,
            beside: { name: `at ${SMALL}`, values: series.small.paths },
            target: { of: "ratio", atMost: 1.3 },
          }];
        })
      ),
  };
}

/** The benchmark of the directory store. */
export const paths: Benchmark = benchmark((body) =>
  withDirectory(async (directory) => {
    const context = await openOurs(directory, "normal");
    try {
      return await body(context);
    } finally {
      await context.store.close();
    }
  })
);

/** The benchmark of the Redis store. */
export function pathsOnRedis(site: Site): Benchmark {
  return benchmark((body) =>
    site.withPlace(async ({ url, name }) => {
      const context = await openOursOnRedis(url, name);
      try {
        return await body(context);
      } finally {
        await context.store.close();
      }
    })
  );
}
