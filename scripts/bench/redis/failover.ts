/**
 * What it costs that a directory would stand in for the server, while the server is there: beside the same work on the
 * server alone.
 * @module
 */
import process from "node:process";
import type { RoomContext } from "../../../src/context.ts";
import { Locks } from "../../../src/lock/lock.ts";
import { Tasks } from "../../../src/task/task.ts";
import { programs, project, time } from "../cli.ts";
import { PATH } from "../contention.ts";
import type { Benchmark, Figure, Target } from "../figure.ts";
import { alternate, defineWorker, type Effort, perSecond, withDirectory } from "../harness.ts";
import { openOursOnRedis, openOursWithStandIn } from "../ours.ts";
import { draft } from "../queue.ts";
import { fill } from "./queue.ts";
import type { Place, Site } from "./site.ts";

interface Args {
  readonly work: keyof typeof WORK;
  readonly place: Place;
  /** The directory that would stand in. Default: there is none. */
  readonly standIn?: string;
  readonly warmUp: number;
  readonly times: number;
}

interface Outcome {
  readonly ms: number;
  readonly cpuUs: number;
}

/** What is done again and again, once it is prepared, and how much of the plain store's rate should be left. */
const WORK = {
  "claim and complete": {
    atLeast: 0.85,
    async prepare(context: RoomContext, times: number) {
      const tasks = new Tasks(context);
      const create = async (drafts: Parameters<Tasks["create"]>[0]) =>
        void await tasks.create(drafts);
      await fill({ create }, times, draft);
      return async () => {
        const [task] = await tasks.claim();
        await tasks.complete(task!.id);
      };
    },
  },
  "lock and unlock": {
    atLeast: 0.6,
    prepare(context: RoomContext) {
      const locks = new Locks(context);
      return Promise.resolve(async () => {
        await locks.acquire(PATH);
        await locks.release(PATH);
      });
    },
  },
} as const;

/** One process that does one of them. */
export const worker = defineWorker<Args, Outcome>(
  import.meta.url,
  async ({ work, place: { url, name }, standIn, warmUp, times }, start) => {
    const context = standIn === undefined
      ? await openOursOnRedis(url, name)
      : await openOursWithStandIn(url, name, standIn);
    const once = await WORK[work].prepare(context, warmUp + times);
    for (let done = 0; done < warmUp; done++) await once();
    await start();
    const before = process.cpuUsage();
    const startedAt = performance.now();
    for (let done = 0; done < times; done++) await once();
    const ms = performance.now() - startedAt;
    const { user, system } = process.cpuUsage(before);
    await context.store.close();
    return { ms, cpuUs: user + system };
  },
);

/** The calls of the command line, each with what a call takes besides. */
const CALLS: Readonly<Record<string, (count: number) => readonly string[]>> = {
  "lock acquire": (count) => ["lock", "acquire", `src/file_${count}.ts`],
  "task claim": () => ["task", "claim"],
  status: () => ["status"],
};

/** How much longer a call may take. */
const CALL: Target = { of: "ratio", atMost: 1.15 };

/** The benchmark. */
export function failover(site: Site): Benchmark {
  return {
    name: "failover",
    about: "a directory would stand in for the server, beside the server alone",
    run: async (effort) => [...await operations(site, effort), ...await calls(site, effort)],
  };
}

async function operations(site: Site, { rounds, quick }: Effort): Promise<Figure[]> {
  const amount = quick ? { warmUp: 50, times: 200 } : { warmUp: 1000, times: 5000 };
  const figures: Figure[] = [];
  for (const work of Object.keys(WORK) as (keyof typeof WORK)[]) {
    const turn = async (place: Place, standIn?: string) => {
      const args = { work, place, ...(standIn === undefined ? {} : { standIn }), ...amount };
      const [outcome] = await worker.run([args]);
      const { ms, cpuUs } = outcome!;
      return { rate: perSecond(amount.times, ms), cpu: cpuUs / amount.times };
    };
    const { alone, withStandIn } = await alternate(rounds, {
      alone: () => site.withPlace((place) => turn(place)),
      withStandIn: () =>
        withDirectory((directory) => site.withPlace((place) => turn(place, directory))),
    });
    figures.push({
      name: work,
      unit: "/s",
      values: withStandIn.rate,
      beside: { name: "server alone", values: alone.rate },
      target: { of: "ratio", atLeast: WORK[work].atLeast },
    }, {
      name: `${work}: processor time, client`,
      unit: "us",
      values: withStandIn.cpu,
      beside: { name: "server alone", values: alone.cpu },
    });
  }
  return figures;
}

async function calls(site: Site, { rounds, quick }: Effort): Promise<Figure[]> {
  const turns = quick ? rounds : Math.max(15, rounds);
  return await withDirectory((directory) =>
    site.withPlace(async (place) => {
      const { store, ...rest } = await openOursOnRedis(place.url, place.name);
      const tasks = new Tasks({ store, ...rest });
      const needed = 2 * (turns + 1) * programs().length;
      await tasks.create(Array.from({ length: needed }, (_, index) => draft(index)));
      await store.close();
      const env = { AGENTCOORD_STORE: place.url, AGENTCOORD_NAMESPACE: place.name };
      const figures: Figure[] = [];
      let count = 0;
      for (const { name, command } of programs()) {
        const root = await project(directory, name);
        for (const [call, args] of Object.entries(CALLS)) {
          const run = (...more: readonly string[]) => () =>
            time([...command, ...args(count++), "--agent", "bench", ...more], root, env);
          const sides = { withStandIn: run(), alone: run("--fallback", "never") };
          for (const side of Object.values(sides)) await side(); // Disk cache, type stripping, new files.
          const { withStandIn, alone } = await alternate(turns, sides);
          figures.push({
            name: `${call} ${name}`,
            unit: "ms",
            values: withStandIn.ms,
            beside: { name: "--fallback never", values: alone.ms },
            target: CALL,
          });
        }
      }
      return figures;
    })
  );
}
