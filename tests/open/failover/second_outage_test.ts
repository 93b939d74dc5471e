/**
 * What is held when Redis is back after an outage, and lost once more.
 * @module
 */
import assert from "node:assert/strict";
import { Agents } from "../../../src/agent/agent.ts";
import { type Clock, systemClock } from "../../../src/clock.ts";
import { Tasks } from "../../../src/task/task.ts";
import { contextOn } from "../../../dev/room_context.ts";
import { hasRedis } from "../../../dev/redis_server.ts";
import { until, withSites } from "../../../dev/site.ts";

const HOUR_MS = 3_600_000;

for (const aheadMs of [-HOUR_MS, HOUR_MS]) {
  Deno.test({
    name: `a task claimed in one outage is its holder's in the next, by a clock that is ${
      aheadMs / HOUR_MS
    } h ahead`,
    ignore: !hasRedis(),
    fn: () =>
      withSites(async ({ server, site }) => {
        let passedMs = 0;
        const nowMs = () => Date.now() + passedMs;
        const clock: Clock = { ...systemClock, nowMs: () => nowMs() + aheadMs };
        const store = await (await site()).open({ clock, redisNowMs: nowMs, mode: "directory" });
        const context = contextOn(store, clock, "ada");
        const [tasks, agents] = [new Tasks(context), new Agents(context)];
        await agents.register({ name: "ada" });
        await store.announce();
        await server.kill();
        // Who is in the middle of a creation just then learns only that it may or may not have been made.
        await tasks.counts();
        await tasks.create([{ title: "long" }]);
        const [task] = await tasks.claim({ leaseMs: 60_000 });
        passedMs += 50_000;
        await server.restart();
        await until("Redis has the authority", async () => {
          await store.failback();
          return (await store.authority()).store === "redis";
        });
        // Renews the task for as long as it was claimed for, not only for what was left of that.
        await agents.heartbeat();
        passedMs += 30_000;
        await server.kill();
        assert.equal((await tasks.complete(task!.id)).status, "completed");
        assert.equal((await store.authority()).store, "directory");
      }),
  });
}
