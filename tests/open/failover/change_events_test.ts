/**
 * What the event stream tells of failing over and failing back.
 * @module
 */
import assert from "node:assert/strict";
import { Agents } from "../../../src/agent/agent.ts";
import { Audit } from "../../../src/audit/audit.ts";
import { systemClock } from "../../../src/clock.ts";
import { Events } from "../../../src/event/event.ts";
import type { CoordEvent } from "../../../src/event/model.ts";
import { tellFailedBack } from "../../../src/open/failover/change_events.ts";
import { RedisStore } from "../../../src/open/redis.ts";
import { Tasks } from "../../../src/task/task.ts";
import { contextOn } from "../../../dev/room_context.ts";
import { startProxy } from "../../../dev/proxy.ts";
import { hasRedis } from "../../../dev/redis_server.ts";
import { type Sites, until, withSites } from "../../../dev/site.ts";
import { outageTest } from "../../support/outage.ts";

function sitesTest(name: string, body: (sites: Sites) => Promise<void>): void {
  Deno.test({ name, ignore: !hasRedis(), fn: () => withSites(body) });
}

const DECISION = { decisionType: "t", context: "c", reason: "r" };

const typesOf = (events: readonly CoordEvent[]) => events.map(({ type }) => type);

sitesTest(
  "a follower meets failing over and failing back once each, with epoch and reason",
  async ({ server, site }) => {
    const store = await (await site()).open();
    const context = contextOn(store, systemClock, "ada");
    const [tasks, events] = [new Tasks(context), new Events(context)];
    await new Agents(context).register({ name: "ada" });
    const start = (await events.list({ limit: 1000 })).events.at(-1)!.id;
    const followed: CoordEvent[] = [];
    const ending = new AbortController();
    // It waits while the authority changes.
    const following = (async () => {
      for await (const event of events.follow({ since: start, signal: ending.signal })) {
        // The server has been started anew, of which it tells by itself.
        if (event.type !== "store.restored") followed.push(event);
      }
    })();
    const startMs = Date.now();
    try {
      await server.kill();
      // A call that may have been executed is not made again; a read makes the directory take over.
      await tasks.counts();
      await tasks.create([{ title: "meanwhile" }]);
      await until("the directory's events are read", () => followed.length === 2);
      await server.restart();
      await until("Redis has the authority", async () => {
        await tasks.counts();
        return (await store.authority()).store === "redis";
      });
      await tasks.create([{ title: "after" }]);
      await until("the event of the last task is read", () => followed.length === 4);
    } finally {
      ending.abort();
      await following;
    }
    assert.deepEqual(typesOf(followed), [
      "store.failed_over",
      "task.created",
      "store.failed_back",
      "task.created",
    ]);
    const [over, , failedBack] = followed;
    assert.match(over!.subject, /^sit_/);
    assert.deepEqual([failedBack!.subject, over!.data?.epoch], [over!.subject, 2]);
    assert.match(String(over!.data?.reason), /^(?:unreachable|lost)$/);
    const { sinceMs, ...data } = failedBack!.data as { readonly sinceMs: number };
    assert.deepEqual(data, { epoch: 3, reason: "reachable again", conflicts: 0 });
    assert.ok(sinceMs >= startMs && sinceMs <= Date.now());
    const { events: all } = await events.list({ limit: 1000 });
    const changes = typesOf(all).filter((type) => type.startsWith("store.failed"));
    assert.deepEqual(changes, ["store.failed_over", "store.failed_back"]);
  },
);

sitesTest(
  "what the server could not take as it was stays in the event stream",
  async ({ server, site }) => {
    const proxy = await startProxy(server);
    const url = `${proxy.url}?command_timeout=1s`;
    const store = await (await site()).open({ url, mode: "directory" });
    const elsewhere = await RedisStore.open(server.url, { namespace: "default" });
    try {
      const here = new Tasks(contextOn(store, systemClock, "ada"));
      const there = new Tasks(contextOn(elsewhere, systemClock, "zoe"));
      await here.create([{ title: "before" }]);
      await proxy.refuse(true);
      proxy.cut();
      await here.counts();
      const [mine] = await here.create([{ title: "mine", key: "one" }]);
      const [theirs] = await there.create([{ title: "theirs", key: "one" }]);
      await proxy.refuse(false);
      await until("Redis has the authority", async () => {
        await here.counts();
        return (await store.authority()).store === "redis";
      });
      const events = new Events(contextOn(store, systemClock, "ada"));
      const { events: told } = await events.list({ type: "store.conflict" });
      assert.deepEqual(told.map(({ subject, data }) => [subject, data?.kind]), [[
        mine!.id,
        "task",
      ]]);
      assert.ok(String(told[0]!.data?.outcome).includes(theirs!.id), JSON.stringify(told));
      const { events: [back] } = await events.list({ type: "store.failed_back" });
      assert.equal(back!.data?.conflicts, 1);
      assert.ok(told[0]!.id < back!.id);
    } finally {
      await elsewhere.close();
      await proxy.stop();
    }
  },
);

sitesTest(
  "of two sites that were cut off each tells of its own changes",
  async ({ server, site }) => {
    const host = async (name: string) => {
      const proxy = await startProxy(server);
      const url = `${proxy.url}?command_timeout=1s`;
      const store = await (await site()).open({ url, mode: "directory" });
      const context = contextOn(store, systemClock, name);
      await new Tasks(context).create([{ title: `by ${name}` }]);
      return { proxy, store, context };
    };
    const hosts = [await host("ada"), await host("bob")];
    try {
      for (const { proxy, context } of hosts) {
        await proxy.refuse(true);
        proxy.cut();
        await new Tasks(context).counts();
        await new Tasks(context).create([{ title: "meanwhile" }]);
        await new Audit(context).log(DECISION);
      }
      // The one that has logged last is back first, so that the other's entry comes behind a later one.
      for (const { proxy, store } of hosts.toReversed()) {
        await proxy.refuse(false);
        await until("Redis is back", async () => (await store.failback()).kind !== "unreachable");
      }
      const { events } = await new Events(hosts[0]!.context).list({ limit: 1000 });
      const changes = events.filter(({ type }) => type.startsWith("store.failed"));
      const told = changes.map(({ type, subject }) => `${type} ${subject}`);
      assert.equal(new Set(told).size, 4, told.join());
      const verified = await new Audit(hosts[0]!.context).verify();
      assert.deepEqual([verified.ok, verified.entries], [true, 2], JSON.stringify(verified));
    } finally {
      for (const { proxy } of hosts) await proxy.stop();
    }
  },
);

outageTest(
  "failing back is told once, and each conflict, by a process that goes on after one that died",
  async ({ directory, onDirectory }) => {
    const told = { epoch: 3, reason: "reachable again", sinceMs: 1 };
    const first = { kind: "task", subject: "tsk_1", outcome: "kept as late" };
    const second = { kind: "lock", subject: "a.py", outcome: "ended" };
    await tellFailedBack(directory, "sit_1", told, [first]);
    await new Tasks(onDirectory("ada")).create([{ title: "made by another one" }]);
    await tellFailedBack(directory, "sit_1", told, [first, second]);
    await tellFailedBack(directory, "sit_1", told, [first, second]);
    const { events } = await new Events(onDirectory("ada")).list();
    const ofStore = events.filter(({ type }) => type.startsWith("store."));
    assert.deepEqual(ofStore.map(({ type, subject }) => `${type} ${subject}`), [
      "store.conflict tsk_1",
      "store.failed_back sit_1",
      "store.conflict a.py",
    ]);
  },
);
