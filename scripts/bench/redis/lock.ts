/**
 * Locks on Redis: the price of one that nobody else wants, and the order, speed and fairness of one that
 * several processes want at once.
 * @module
 */
import { Locks } from "../../../src/lock/lock.ts";
import { changesOfOwner, PATH, spread, takeTurns, type Turns, wakeUps } from "../contention.ts";
import type { Tenure } from "../contention.ts";
import type { Benchmark, Figure } from "../figure.ts";
import { alternate, defineWorker, type Effort, perSecond, quantile } from "../harness.ts";
import { openOursOnRedis } from "../ours.ts";
import { BareRedis } from "./bare.ts";
import type { Peers } from "./peers.ts";
import type { Place, Site } from "./site.ts";

/** A lock taken and given back by one process alone. */
interface Alone {
  readonly side: "bare" | "ours";
  readonly place: Place;
  readonly pairs: number;
}

/** A lock taken and given back by one of several processes. */
interface Together extends Turns {
  readonly side: "together";
  readonly place: Place;
}

/** What a process reports: how long its pairs took alone, or its tenures among others. */
interface Outcome {
  readonly ms: number;
  readonly tenures: readonly Tenure[];
}

const WARM_UP = 1000;

/** One process that locks and unlocks. */
export const worker = defineWorker<Alone | Together, Outcome>(
  import.meta.url,
  async (args, start) => {
    const { place } = args;
    const repeat = async (pair: () => Promise<unknown>, pairs: number) => {
      for (let done = 0; done < WARM_UP; done++) await pair();
      await start();
      const startedAt = performance.now();
      for (let done = 0; done < pairs; done++) await pair();
      return { ms: performance.now() - startedAt, tenures: [] };
    };
    if (args.side === "bare") {
      const bare = await BareRedis.open(place);
      return await repeat(async () => {
        if (!await bare.lock(PATH)) throw new Error("the lock is taken");
        await bare.unlock(PATH);
      }, args.pairs);
    }
    const context = await openOursOnRedis(place.url, place.name);
    const locks = new Locks(context);
    const outcome = args.side === "together"
      ? { ms: 0, tenures: await takeTurns(locks, args, start) }
      : await repeat(async () => {
        await locks.acquire(PATH);
        await locks.release(PATH);
      }, args.pairs);
    await context.store.close();
    return outcome;
  },
);

/** The benchmark. */
export function lock(site: Site, peers: Peers): Benchmark {
  return {
    name: "lock",
    about: "locks: one caller alone; the wake-up of a waiter; several processes after one lock",
    run: async (effort) => [
      ...await alone(site, peers, effort),
      ...await wakeUp(site, effort),
      ...await held(site, effort),
      ...await contended(site, effort),
    ],
  };
}

async function alone(site: Site, { redlock }: Peers, { rounds, quick }: Effort): Promise<Figure[]> {
  const pairs = quick ? 300 : 5000;
  const turn = (side: Alone["side"]) => () =>
    site.withPlace(async (place) => {
      const [outcome] = await worker.run([{ side, place, pairs }]);
      return { rate: perSecond(pairs, outcome!.ms) };
    });
  const series = await alternate<string, "rate">(rounds, {
    ...(redlock && {
      redlock: () =>
        site.withPlace(async (place) => {
          const { ms } = await redlock<{ ms: number }>(place, { warmUp: WARM_UP, pairs });
          return { rate: perSecond(pairs, ms) };
        }),
    }),
    bare: turn("bare"),
    ours: turn("ours"),
  });
  const own = { name: "one caller", unit: "pairs/s", values: series.ours!.rate };
  return [
    ...(series.redlock
      ? [{
        ...own,
        beside: { name: "redlock", values: series.redlock.rate },
        target: { of: "ratio", atLeast: 1.5 } as const,
      }]
      : []),
    { ...own, beside: { name: "bare commands", values: series.bare!.rate } },
  ];
}

async function wakeUp(site: Site, { rounds, quick }: Effort): Promise<Figure[]> {
  const { ours } = await alternate(rounds, {
    ours: async () => {
      const tenures = await run(site, 2, {
        tenures: quick ? 15 : 150,
        holdMs: [5, 15],
        // Its own new request must not compete with the waiter that wakes up.
        restMs: 3,
      });
      const ms = wakeUps(tenures);
      return { p50: quantile(ms, 0.5), p99: quantile(ms, 0.99) };
    },
  });
  return [{
    name: "wake-up of a waiter p50",
    unit: "ms",
    values: ours.p50,
    target: { of: "median", atMost: 1.5 },
  }, { name: "wake-up of a waiter p99", unit: "ms", values: ours.p99 }];
}

async function held(site: Site, { rounds, quick }: Effort): Promise<Figure[]> {
  const tenures = quick ? 2 : 10;
  const { ours } = await alternate(quick ? 1 : rounds, {
    ours: async () => {
      const all = await run(site, 4, { tenures, holdMs: [50, 50], restMs: 0 });
      const first = Math.min(...all.map(({ fromMs }) => fromMs));
      const last = Math.max(...all.map(({ toMs }) => toMs));
      return { seconds: (last - first) / 1000 };
    },
  });
  const ideal = 4 * tenures * 0.05;
  return [{
    name: `4 processes hold it ${tenures} times for 50 ms`,
    unit: "s",
    values: ours.seconds,
    beside: { name: "ideal", values: ours.seconds.map(() => ideal) },
    target: { of: "ratio", atMost: 1.1 },
  }];
}

async function contended(site: Site, { rounds, quick }: Effort): Promise<Figure[]> {
  const forMs = quick ? 500 : 5000;
  const { ours } = await alternate(quick ? 1 : rounds, {
    ours: async () => {
      const all = await run(site, 8, { forMs, holdMs: [0, 0], restMs: 0 });
      return { changes: perSecond(changesOfOwner(all), forMs), spread: spread(all, 8) };
    },
  });
  return [
    { name: "8 processes, changes of owner", unit: "/s", values: ours.changes },
    {
      name: "8 processes, most over fewest tenures",
      unit: "",
      values: ours.spread,
      target: { of: "median", atMost: 1.1 },
    },
  ];
}

function run(site: Site, processes: number, turns: Turns): Promise<readonly Tenure[]> {
  return site.withPlace(async (place) => {
    const own = { side: "together", place, ...turns } as const;
    const outcomes = await worker.run(Array.from({ length: processes }, () => own));
    return outcomes.flatMap(({ tenures }) => tenures);
  });
}
