/**
 * A server that is back and takes nothing in, because its memory is used up.
 * @module
 */
import assert from "node:assert/strict";
import { hasRedis } from "../../../dev/redis_server.ts";
import { withSites } from "../../../dev/site.ts";
import { agentOn, assertTakenOver, failedBack, takeOver } from "../../support/promise.ts";

/** How much more than it uses the server may take in: nothing at all, and some of what waits. */
for (const roomBytes of [0, 300_000]) {
  Deno.test({
    name:
      `a failback to a server with room for ${roomBytes} bytes says so, keeps everything, and ends once there is more`,
    ignore: !hasRedis(),
    fn: () =>
      withSites(async ({ server, site }) => {
        const store = await (await site()).open();
        const { locks, tasks, audit } = agentOn(store, "ada");
        await locks.acquire("before.py", { ttlMs: 600_000 });
        await store.announce();
        await server.kill();
        await takeOver(store);
        const [lease] = await locks.acquire("a.py", { ttlMs: 600_000 });
        for (let batch = 0; batch < 4; batch++) {
          await tasks.create(
            Array.from({ length: 100 }, (_, index) => ({
              title: `${batch}/${index}`,
              description: "d".repeat(5000),
            })),
          );
        }
        for (let count = 0; count < 3; count++) {
          await audit.log({ decisionType: "t", context: "c", reason: `${count}` });
        }
        await server.restart();
        await server.command("CONFIG", "SET", "maxmemory-policy", "noeviction");
        const used = /used_memory:(\d+)/.exec(String(await server.command("INFO", "memory")))![1];
        await server.command("CONFIG", "SET", "maxmemory", Number(used) + roomBytes);
        await assert.rejects(async () => {
          while ((await store.failback()).kind === "unreachable");
        }, /memory/);
        await assertTakenOver(store);
        assert.equal((await tasks.counts()).pending, 400);
        assert.equal((await locks.verify("a.py", { fence: lease!.fence })).holder, "ada");
        await server.command("CONFIG", "SET", "maxmemory", 0);
        const result = await failedBack(store);
        assert.ok(result.kind !== "done" || result.conflicts.length === 0);
        assert.equal((await tasks.counts()).pending, 400);
        assert.equal((await locks.verify("a.py", { fence: lease!.fence })).holder, "ada");
        assert.equal((await locks.list()).length, 2);
        assert.deepEqual(await audit.verify().then(({ ok, entries }) => [ok, entries]), [true, 3]);
      }),
  });
}
