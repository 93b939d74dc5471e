/**
 * Who waits for a lock keeps its place, whatever becomes of the server.
 * @module
 */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/clock.ts";
import type { FailoverStore } from "../../../src/open/failover/store.ts";
import type { AcquireOutcome } from "../../../src/lock/store.ts";
import type { RedisServer } from "../../../dev/redis_server.ts";
import { hasRedis } from "../../../dev/redis_server.ts";
import { until, withSites } from "../../../dev/site.ts";

/** Looks for the lock once, as one who waits for it. */
async function look(store: FailoverStore, name: string, waiter?: string): Promise<AcquireOutcome> {
  const locks = await store.locks();
  return await locks.acquire({ name, host: "here" }, {
    paths: ["a.py"],
    mode: "exclusive",
    ttlMs: 60_000,
    intent: "",
    reentrant: false,
    ...(waiter === undefined ? {} : { waiter }),
  });
}

/** What becomes of the server while three agents wait. */
const CHANGES: Readonly<
  Record<string, (server: RedisServer, store: FailoverStore) => Promise<void>>
> = {
  "that is emptied": async (server) => {
    await server.command("FLUSHALL");
  },
  "that is away": (server) => server.kill(),
  "that was away and is back": async (server, store) => {
    await server.kill();
    await (await store.locks()).count();
    await server.restart();
    await until("Redis has the authority", async () => {
      await store.failback();
      return (await store.authority()).store === "redis";
    });
  },
};

for (const [what, change] of Object.entries(CHANGES)) {
  Deno.test({
    name: `waiters for a lock on a server ${what} are served in the order they came`,
    ignore: !hasRedis(),
    fn: () =>
      withSites(async ({ server, site }) => {
        const { open } = await site();
        // Time stands still: who is called has its turn, however slow this machine is.
        const instant = Date.now();
        const nowMs = () => instant;
        const options = { clock: { ...systemClock, nowMs }, redisNowMs: nowMs };
        const [first, second] = [await open(options), await open(options)];
        assert.equal((await look(first, "ada")).kind, "acquired");
        for (const name of ["bob", "cy", "di"]) {
          assert.equal((await look(second, name, `wtr_${name}`)).kind, "held");
        }
        // Between two operations, so that it is known whether each was done.
        await first.announce();
        await change(server, second);
        // Those who look first are not those who came first.
        for (const name of ["di", "cy", "bob"]) {
          const outcome = await look(second, name, `wtr_${name}`);
          assert.ok(outcome.kind === "held" && outcome.blocker.kind === "lease", name);
        }
        const served: string[] = [];
        for (let holder = "ada"; served.length < 3; holder = served.at(-1)!) {
          await (await first.locks()).releaseAll({ name: holder, host: "here" });
          for (const name of ["di", "cy", "bob"].filter((name) => !served.includes(name))) {
            const { kind } = await look(second, name, `wtr_${name}`);
            if (kind === "acquired") served.push(name);
          }
        }
        assert.deepEqual(served, ["bob", "cy", "di"]);
      }),
  });
}
