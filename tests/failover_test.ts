/**
 * What the library says of what stands in for a server, and does about it.
 * @module
 */
import assert from "node:assert/strict";
import { CoordinationClient } from "../src/client.ts";
import { InvalidArgumentError } from "../src/errors.ts";
import { hasRedis } from "../dev/redis_server.ts";
import { until, withSites } from "../dev/site.ts";

Deno.test("a client of a directory says that nothing stands in for it", async () => {
  const store = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
  try {
    await using client = await CoordinationClient.open({ store, durability: "normal" });
    const { failover } = client;
    assert.deepEqual(await failover.authority(), { store: "directory", epoch: 0 });
    await assert.rejects(failover.journal(), /Nothing ever waits to be moved: no directory /);
    await assert.rejects(failover.failback(), /Nothing is to be moved: no directory /);
    await assert.rejects(failover.sites(), /is a directory: sites are what shares a server$/);
    for (
      const [call, says] of [
        [
          () => failover.journal({ limit: 0 }),
          /Invalid limit 0: use a whole number from 1 to 1000/,
        ],
        [() => failover.journal(7 as never), /Invalid options 7/],
        [() => failover.sites({ forget: "x" }), /Invalid forget "x": use a site as/],
        [() => failover.sites({ forget: 7 as never }), /Invalid forget 7: use a site as/],
      ] as const
    ) {
      await assert.rejects(call(), (error) => {
        assert.ok(error instanceof InvalidArgumentError);
        assert.match(error.message, says);
        return true;
      });
    }
  } finally {
    await Deno.remove(store, { recursive: true });
  }
});

Deno.test({
  name: "a client of a server says what stands in for it, and moves that back",
  ignore: !hasRedis(),
  fn: () =>
    withSites(async ({ server, url }) => {
      const cwd = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
      try {
        await Deno.mkdir(`${cwd}/.git`);
        await using client = await CoordinationClient.open({ cwd, store: url });
        const { failover } = client;
        await using session = await client.session("ada", { heartbeat: false });
        await session.tasks.create([{ title: "before" }]);
        assert.equal((await failover.authority()).store, "redis");
        assert.deepEqual((await failover.journal()).total, 0);
        assert.deepEqual((await failover.failback()).moved, false);
        assert.equal((await failover.sites()).length, 1);
        await server.kill();
        await client.tasks.counts();
        await session.tasks.create([{ title: "meanwhile", key: "k" }]);
        const { store, epoch, journal, unreachable } = await failover.authority();
        assert.deepEqual([store, epoch, journal], ["directory", 2, 2]);
        assert.equal(unreachable?.tasks, 1);
        const { records } = await failover.journal({ limit: 1 });
        assert.equal(records.length, 1);
        await assert.rejects(failover.failback(), /Cannot move anything yet/);
        await server.restart();
        await until("Redis has the authority", async () => {
          await client.tasks.counts();
          return (await failover.authority()).store === "redis";
        });
        assert.equal((await client.tasks.counts()).pending, 2);
        assert.equal((await failover.authority()).journal, undefined);
      } finally {
        await Deno.remove(cwd, { recursive: true });
      }
    }),
});
