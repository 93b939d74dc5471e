/**
 * Many clients lose their connections at the same time, each with a call that the server has done: all of them make
 * it again, and look for what they did before among what everybody has done since.
 * @module
 */
import assert from "node:assert/strict";
import { systemClock } from "../../src/clock.ts";
import { Events } from "../../src/event/event.ts";
import { Locks } from "../../src/lock/lock.ts";
import { RedisStore } from "../../src/open/redis.ts";
import { startProxy } from "../../dev/proxy.ts";
import { freshNamespace, hasRedis, startRedis } from "../../dev/redis_server.ts";
import { eventually } from "../support/wrapped.ts";
import { monitor } from "../../dev/redis_monitor.ts";
import { GENEROUS_MS } from "../../dev/sleepers.ts";
import { contextOn } from "../../dev/room_context.ts";

const CLIENTS = 100;
/** What others add to the stream before those come back. */
const ENTRIES = 1500;
/** Paths that one of their calls takes, for many entries in little time; and how many events an entry holds. */
const PATHS = 1000;
const EVENTS_AN_ENTRY = 8;

/** What the others do before the clients come back may take longer than a command may usually wait. */
const PATIENT = { connectTimeoutMs: GENEROUS_MS, commandTimeoutMs: GENEROUS_MS };

Deno.test({
  name: "a hundred clients that are cut off at once act once each, and do not each read the stream",
  ignore: !hasRedis(),
  async fn() {
    await using server = await startRedis();
    await using proxy = await startProxy(server);
    const namespace = freshNamespace();
    const near = await RedisStore.open(server.url, { namespace });
    const stores = [near];
    const context = (store: RedisStore, name: string) => contextOn(store, systemClock, name);
    try {
      for (let n = 0; n < CLIENTS; n++) {
        stores.push(await RedisStore.open(proxy.url, { namespace, ...PATIENT }));
      }
      const locks = stores.map((store, n) => new Locks(context(store, `agent${n}`)));
      const [own, ...others] = locks as [Locks, ...Locks[]];
      // Each knows the script, and each has been heard of: what follows is one operation a call.
      await Promise.all(others.map((each, n) => each.acquire(`warm/${n}`)));
      // They come back late enough for the others to go on meanwhile.
      proxy.delay(100);
      proxy.loseReplies(CLIENTS, ([word]) => /^evalsha$/i.test(word ?? ""));
      const calls = Promise.all(others.map((each, n) => each.acquire(`cut/${n}`)));
      await eventually("all are cut off", () => proxy.lost().length === CLIENTS);
      proxy.blackhole(true);
      proxy.delay(0);
      for (let made = 0; made < ENTRIES; made += PATHS / EVENTS_AN_ENTRY) {
        await own.acquire(Array.from({ length: PATHS }, (_, n) => `own/${made}/${n}`));
      }
      const watch = await monitor(server);
      try {
        proxy.blackhole(false);
        const held = await calls;
        const fences = new Set(held.map(([lease]) => lease!.fence));
        assert.equal(fences.size, CLIENTS, "each has a tenure of its own");
        const reads = (await watch.read()).filter(({ words, byScript }) =>
          byScript && words[0]!.toUpperCase() === "XREVRANGE"
        );
        // One of them reads what there is, 250 entries at a time; each of the others what is new, in two looks.
        const most = 2 * CLIENTS + 4 * ENTRIES / 250;
        assert.ok(reads.length <= most, `read the stream ${reads.length} times`);
      } finally {
        await watch.stop();
      }
      const leases = (await own.list()).filter(({ path }) => path.startsWith("cut/"));
      assert.equal(leases.length, CLIENTS);
      const seen: string[] = [];
      const events = new Events(context(near, "eve"));
      for (let page = await events.list({ type: "lock.acquired", limit: 1000 });;) {
        seen.push(...page.events.map(({ subject }) => subject));
        if (page.events.length < 1000) break;
        page = await events.list({ type: "lock.acquired", limit: 1000, since: page.cursor });
      }
      const cut = seen.filter((subject) => subject.startsWith("cut/"));
      assert.deepEqual([cut.length, new Set(cut).size], [CLIENTS, CLIENTS], "each acted once");
    } finally {
      for (const store of stores) await store.close();
    }
  },
});
