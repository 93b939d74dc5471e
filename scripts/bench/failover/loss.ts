/**
 * How long agents wait when the server goes away, and how long it takes until it decides again once it is back.
 * @module
 */
import { sleep } from "../../../src/clock.ts";
import { Locks } from "../../../src/lock/lock.ts";
import type { Benchmark } from "../figure.ts";
import { agentOn, type BenchSite, COMMAND_TIMEOUT_MS, openSite, withSite } from "./site.ts";

/** The server has had the authority for longer than that: the directory does not stay for long. */
const SETTLED_MS = 5200;
const AWAY_MS = 2500;
const BACK_MS = 3000;

/** How the server goes away, and comes back. */
interface Loss {
  readonly name: string;
  readonly lose: (site: BenchSite) => Promise<void> | void;
  readonly end: (site: BenchSite) => Promise<void> | void;
}

const LOSSES: readonly Loss[] = [
  {
    name: "refused",
    lose: async ({ proxy }) => {
      await proxy.refuse(true);
      proxy.cut();
    },
    end: ({ proxy }) => proxy.refuse(false),
  },
  {
    name: "frozen",
    lose: ({ server }) => server.freeze(),
    end: ({ server }) => server.resume(),
  },
  {
    name: "silent",
    lose: ({ proxy }) => proxy.blackhole(true),
    end: ({ proxy }) => {
      proxy.cut();
      proxy.blackhole(false);
    },
  },
];

async function turn({ lose, end }: Loss) {
  return await withSite(async (site) => {
    const store = await openSite(site);
    const locks = new Locks(agentOn(store, "ada"));
    await locks.acquire("a.ts");
    await sleep(SETTLED_MS);
    await lose(site);
    const lostAt = performance.now();
    await locks.renew("a.ts");
    const firstMs = performance.now() - lostAt;
    await sleep(AWAY_MS);
    await end(site);
    const endedAt = performance.now();
    while ((await store.authority()).store !== "redis") await sleep(10);
    const backMs = performance.now() - endedAt;
    await store.close();
    return { firstMs, backMs };
  });
}

/** The server is lost in each way, and comes back. */
export const loss: Benchmark = {
  name: "loss",
  about: "the server goes away, and comes back without anybody asking for it",
  run: async ({ rounds }) => {
    const figures = [];
    for (const way of LOSSES) {
      const turns = [];
      for (let round = 0; round < rounds; round++) turns.push(await turn(way));
      figures.push({
        name: `first operation answered, ${way.name}`,
        unit: "ms",
        values: turns.map(({ firstMs }) => firstMs),
        target: { of: "median", atMost: COMMAND_TIMEOUT_MS + 200 } as const,
      }, {
        name: `back on the server, ${way.name}`,
        unit: "ms",
        values: turns.map(({ backMs }) => backMs),
        target: { of: "median", atMost: BACK_MS } as const,
      });
    }
    return figures;
  },
};
