/**
 * Moving much back to the server: in portions, by one process at a time, with a turn for others in between.
 */
import assert from "node:assert/strict";
import { contextOn } from "../../../dev/room_context.ts";
import { type Proxy, startProxy } from "../../../dev/proxy.ts";
import { hasRedis } from "../../../dev/redis_server.ts";
import { COMMAND_TIMEOUT_MS, type Site, until, withSites } from "../../../dev/site.ts";
import { systemClock } from "../../../src/clock.ts";
import { Locks } from "../../../src/lock/lock.ts";
import type { FailoverStore } from "../../../src/open/failover/store.ts";
import { Tasks } from "../../../src/task/task.ts";

/** Most tasks that one script takes over. */
const TAKEN_AT_ONCE = 50;
/** So many tasks, and this delay of each way through the proxy, take several holds of the lock. */
const TASKS = 1000;
const DELAY_MS = 30;

const agent = (store: FailoverStore, name: string) => contextOn(store, systemClock, name);

/** An outage in which tasks were created, until right before the server is back. */
async function withOutage(
  tasks: number,
  body: (
    outage: { readonly proxy: Proxy; readonly open: Site["open"]; readonly store: FailoverStore },
  ) => Promise<void>,
): Promise<void> {
  await withSites(async ({ server, site }) => {
    await using proxy = await startProxy(server.port);
    const { open: openAt } = await site();
    const url = `${proxy.url}?command_timeout=${COMMAND_TIMEOUT_MS}ms`;
    const open: Site["open"] = () => openAt({ url, mode: "directory" });
    await proxy.refuse(true);
    const store = await open();
    for (let at = 0; at < tasks; at += 100) {
      const titles = Array.from({ length: Math.min(100, tasks - at) }, (_, n) => `task ${at + n}`);
      await new Tasks(agent(store, "ada")).create(titles.map((title) => ({ title })));
    }
    await body({ proxy, open, store });
  });
}

/** How many tasks each of the scripts that took some was told. One that the server did not know came twice. */
function taken(proxy: Proxy): readonly number[] {
  return proxy.commands().filter(([command]) => command?.toLowerCase() === "evalsha")
    .map((words) => words.filter((word) => word === "moved").length)
    .filter((count) => count > 0);
}

Deno.test({
  name: "failback of much lets others work on the directory between its portions",
  ignore: !hasRedis(),
  fn: () =>
    withOutage(TASKS, async ({ proxy, open, store }) => {
      const locks = new Locks(agent(await open(), "bob"));
      const turns: string[] = [];
      let isOver = false;
      const working = (async () => {
        for (let turn = 0; !isOver; turn++) {
          await locks.acquire(`turn-${turn}`);
          if ((await store.authority()).moving !== undefined) turns.push(`turn-${turn}`);
        }
      })();
      proxy.delay(DELAY_MS);
      await proxy.refuse(false);
      await until("everything was moved", async () =>
        (await store.failback()).kind !== "unreachable");
      isOver = true;
      await working;
      proxy.delay(0);
      assert.ok(turns.length > 0);
      const held = new Set((await locks.list()).map(({ path }) =>
        path
      ));
      assert.deepEqual(turns.filter((path) => !held.has(path)), []);
      assert.equal((await new Tasks(agent(store, "ada")).counts()).pending, TASKS);
      assert.ok(Math.max(...taken(proxy)) <= TAKEN_AT_ONCE);
    }),
});

Deno.test({
  name: "failback is made by one process of a site, however many find the server back",
  ignore: !hasRedis(),
  fn: () =>
    withOutage(300, async ({ proxy, open, store }) => {
      const stores = [store, await open(), await open(), await open()];
      await proxy.refuse(false);
      await until("Redis has the authority", async () => {
        await Promise.all(stores.map((one) => one.failback()));
        return (await store.authority()).store === "redis";
      });
      assert.equal(taken(proxy).reduce((sum, count) => sum + count, 0), 300);
    }),
});

Deno.test({
  name: "failback by hand waits for one that is under way, and says that nothing is left",
  ignore: !hasRedis(),
  fn: () =>
    withOutage(300, async ({ proxy, open, store }) => {
      const other = await open();
      proxy.delay(DELAY_MS);
      await proxy.refuse(false);
      const kinds: string[] = [];
      await until("Redis has the authority", async () => {
        const results = await Promise.all([store.failback(), other.failback()]);
        kinds.push(...results.map(({ kind }) => kind).filter((kind) => kind !== "unreachable"));
        return kinds.length > 0;
      });
      assert.ok(kinds.filter((kind) => kind === "done").length <= 1);
      assert.equal((await store.authority()).store, "redis");
    }),
});

Deno.test({
  name: "store that is closed in the midst of a failback leaves the rest to another",
  ignore: !hasRedis(),
  fn: () =>
    withOutage(TASKS, async ({ proxy, open, store }) => {
      const other = await open();
      proxy.delay(DELAY_MS);
      await proxy.refuse(false);
      await until("it is under way", async () => (await other.authority()).moving !== undefined);
      await store.close();
      await other.failback();
      proxy.delay(0);
      await until("Redis has the authority", async () => {
        await new Tasks(agent(other, "ada")).counts();
        return (await other.authority()).store === "redis";
      });
      assert.equal((await new Tasks(agent(other, "ada")).counts()).pending, TASKS);
    }),
});
