/**
 * When a directory takes over, with other sites on the same server.
 * @module
 */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/clock.ts";
import { StoreUnavailableError } from "../../../src/errors.ts";
import { Locks } from "../../../src/lock/lock.ts";
import { redisEngine } from "../../../src/open/redis_engine.ts";
import type { Store } from "../../../src/store.ts";
import { contextOn } from "../../../dev/room_context.ts";
import { hasRedis } from "../../../dev/redis_server.ts";
import { type Sites, withSites } from "../../../dev/site.ts";

const locksOn = (store: Store) => new Locks(contextOn(store, systemClock, "ada"));

function sitesTest(name: string, body: (sites: Sites) => Promise<void>): void {
  Deno.test({ name, ignore: !hasRedis(), fn: () => withSites(body) });
}

/** Two sites, of which the first has heard of the second. */
async function twoSites({ site }: Sites, mode: "auto" | "directory" = "auto") {
  const [here, there] = [await (await site()).open({ mode }), await (await site()).open()];
  await there.announce();
  const [other] = await here.announce();
  return { here, other: other!.site };
}

sitesTest(
  "auto does not take over when a client without a directory acted, and names its host",
  async (sites) => {
    const plain = await redisEngine({ kind: "redis", url: sites.url })
      .open({ namespace: "default", durability: "normal", clock: systemClock, acts: true });
    const here = await (await sites.site()).open();
    try {
      await locksOn(plain).acquire("b.py");
      await here.announce();
      await sites.server.kill();
      await assert.rejects(locksOn(here).acquire("a.py"), (error) => {
        assert.ok(error instanceof StoreUnavailableError);
        assert.ok(error.message.includes(`none:${Deno.hostname()}`), error.message);
        return true;
      });
      assert.equal((await here.authority()).store, "redis");
    } finally {
      await plain.close();
    }
  },
);

sitesTest("auto takes over once the other site was forgotten", async (sites) => {
  const { here, other } = await twoSites(sites);
  assert.equal((await here.sites()).length, 2);
  assert.ok((await here.sites(other)).every(({ site }) => site !== other));
  await sites.server.kill();
  assert.equal((await locksOn(here).acquire("a.py")).length, 1);
  assert.equal((await here.authority()).store, "directory");
});

sitesTest(
  "a site may be forgotten while the server is away, and auto takes over",
  async (sites) => {
    const { here, other } = await twoSites(sites);
    await sites.server.kill();
    await assert.rejects(locksOn(here).acquire("a.py"), StoreUnavailableError);
    assert.deepEqual((await here.sites()).map(({ site }) => site), [other]);
    assert.deepEqual(await here.sites(other), []);
    assert.equal((await locksOn(here).acquire("a.py")).length, 1);
    assert.equal((await here.authority()).store, "directory");
  },
);

sitesTest("a Redis that was emptied names its sites all the same", async (sites) => {
  const { here, other } = await twoSites(sites);
  await locksOn(here).acquire("a.py");
  await sites.server.command("FLUSHALL");
  assert.ok((await here.sites()).some(({ site }) => site === other));
});

sitesTest("directory takes over whoever else there is", async (sites) => {
  const { here } = await twoSites(sites, "directory");
  await sites.server.kill();
  assert.equal((await locksOn(here).acquire("a.py")).length, 1);
  assert.equal((await here.authority()).store, "directory");
});
