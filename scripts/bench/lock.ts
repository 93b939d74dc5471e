/**
 * Locks: the price of one that nobody else wants, and the order, speed and fairness of one that several
 * processes want at once.
 * @module
 */
import { Locks } from "../../src/lock/lock.ts";
import { Bare, type Durability } from "./bare.ts";
import {
  changesOfOwner,
  PATH,
  spread,
  takeTurns,
  type Tenure,
  type Turns,
  wakeUps,
} from "./contention.ts";
import type { Benchmark, Figure } from "./figure.ts";
import {
  alternate,
  defineWorker,
  type Effort,
  perSecond,
  quantile,
  type Start,
  withDirectory,
} from "./harness.ts";
import { openOurs } from "./ours.ts";

/** A lock taken and given back by one process alone. */
interface Alone {
  readonly side: "bare" | "ours";
  readonly directory: string;
  readonly durability: Durability;
  readonly pairs: number;
}

/** A lock taken and given back by one of several processes. */
interface Together extends Turns {
  readonly side: "together";
  readonly directory: string;
  readonly durability: Durability;
}

/** What a process reports: how long its pairs took alone, or its tenures among others. */
interface Outcome {
  readonly ms: number;
  readonly tenures: readonly Tenure[];
}

const WARM_UP = 300;

/** One process that locks and unlocks. */
export const worker = defineWorker<Alone | Together, Outcome>(
  import.meta.url,
  async (args, start) => {
    if (args.side === "bare") return await bareAlone(args, start);
    const context = await openOurs(args.directory, args.durability);
    const locks = new Locks(context);
    const outcome = args.side === "together"
      ? { ms: 0, tenures: await takeTurns(locks, args, start) }
      : await oursAlone(locks, args, start);
    await context.store.close();
    return outcome;
  },
);

async function bareAlone({ directory, durability, pairs }: Alone, start: Start): Promise<Outcome> {
  using bare = new Bare(directory, durability);
  const pair = () => {
    bare.lock(PATH);
    bare.unlock(PATH);
  };
  for (let done = 0; done < WARM_UP; done++) pair();
  await start();
  const startedAt = performance.now();
  for (let done = 0; done < pairs; done++) pair();
  return { ms: performance.now() - startedAt, tenures: [] };
}

async function oursAlone(locks: Locks, { pairs }: Alone, start: Start): Promise<Outcome> {
  const pair = async () => {
    await locks.acquire(PATH);
    await locks.release(PATH);
  };
  for (let done = 0; done < WARM_UP; done++) await pair();
  await start();
  const startedAt = performance.now();
  for (let done = 0; done < pairs; done++) await pair();
  return { ms: performance.now() - startedAt, tenures: [] };
}

/** The benchmark. */
export const lock: Benchmark = {
  name: "lock",
  about: "locks: one caller alone; the wake-up of a waiter; several processes after one lock",
  run: async (effort) => [
    ...await alone(effort, "full"),
    ...await alone(effort, "normal"),
    ...await wakeUp(effort, "full"),
    ...await wakeUp(effort, "normal"),
    ...await held(effort),
    ...await contended(effort),
  ],
};

async function alone({ rounds, quick }: Effort, durability: Durability): Promise<Figure[]> {
  const pairs = (durability === "full" ? 1000 : 4000) / (quick ? 10 : 1);
  const turn = (side: Alone["side"]) => () =>
    withDirectory(async (directory) => {
      const [outcome] = await worker.run([{ side, directory, durability, pairs }]);
      return { rate: perSecond(pairs, outcome!.ms) };
    });
  const { bare, ours } = await alternate(rounds, { bare: turn("bare"), ours: turn("ours") });
  return [{
    name: `one caller, durability ${durability}`,
    unit: "pairs/s",
    values: ours.rate,
    beside: { name: "bare", values: bare.rate },
  }];
}

async function wakeUp({ rounds, quick }: Effort, durability: Durability): Promise<Figure[]> {
  const { ours } = await alternate(rounds, {
    ours: () =>
      withDirectory(async (directory) => {
        const tenures = await run(directory, 2, {
          durability,
          tenures: quick ? 15 : 120,
          holdMs: [5, 15],
          // Its own new request must not compete with the waiter that wakes up.
          restMs: 3,
        });
        const ms = wakeUps(tenures);
        return { p50: quantile(ms, 0.5), p99: quantile(ms, 0.99) };
      }),
  });
  const name = (q: string) => `wake-up of a waiter ${q}, durability ${durability}`;
  return [
    { name: name("p50"), unit: "ms", values: ours.p50, target: { of: "median", atMost: 0.5 } },
    { name: name("p99"), unit: "ms", values: ours.p99, target: { of: "median", atMost: 1.5 } },
  ];
}

async function held({ rounds, quick }: Effort): Promise<Figure[]> {
  const tenures = quick ? 3 : 10;
  const { ours } = await alternate(quick ? 1 : Math.ceil(rounds / 2), {
    ours: () =>
      withDirectory(async (directory) => {
        const all = await run(directory, 4, {
          durability: "full",
          tenures,
          holdMs: [50, 50],
          restMs: 0,
        });
        const first = Math.min(...all.map(({ fromMs }) => fromMs));
        const last = Math.max(...all.map(({ toMs }) => toMs));
        return { seconds: (last - first) / 1000 };
      }),
  });
  return [{
    name: `4 processes hold it ${tenures} times for 50 ms`,
    unit: "s",
    values: ours.seconds,
    beside: { name: "ideal", values: ours.seconds.map(() => 4 * tenures * 0.05) },
  }];
}

async function contended({ rounds, quick }: Effort): Promise<Figure[]> {
  const forMs = quick ? 1000 : 5000;
  const turn = (durability: Durability) => () =>
    withDirectory(async (directory) => {
      const all = await run(directory, 8, { durability, forMs, holdMs: [0, 0], restMs: 0 });
      return { changes: perSecond(changesOfOwner(all), forMs), spread: spread(all, 8) };
    });
  const series = await alternate(Math.ceil(rounds / 2), {
    full: turn("full"),
    normal: turn("normal"),
  });
  return (["full", "normal"] as const).flatMap((durability) => [
    {
      name: `8 processes, changes of owner, durability ${durability}`,
      unit: "/s",
      values: series[durability].changes,
    },
    {
      name: `8 processes, most over fewest tenures, durability ${durability}`,
      unit: "",
      values: series[durability].spread,
    },
  ]);
}

async function run(
  directory: string,
  processes: number,
  args: Omit<Together, "side" | "directory">,
): Promise<readonly Tenure[]> {
  const own = { side: "together", directory, ...args } as const;
  const outcomes = await worker.run(Array.from({ length: processes }, () => own));
  return outcomes.flatMap(({ tenures }) => tenures);
}
