import assert from "node:assert/strict";
import { Approvals } from "../../../src/approval/approval.ts";
import { Audit } from "../../../src/audit/audit.ts";
import { Board } from "../../../src/board/board.ts";
import { ConflictError, StoreUnavailableError } from "../../../src/errors.ts";
import { Events } from "../../../src/event/event.ts";
import { Locks } from "../../../src/lock/lock.ts";
import { Tasks } from "../../../src/task/task.ts";
import { systemClock } from "../../../src/clock.ts";
import type { Store } from "../../../src/store.ts";
import { contextOn as surroundings } from "../../../dev/room_context.ts";
import { until, withSites } from "../../../dev/site.ts";
import { hasRedis } from "../../../dev/redis_server.ts";

const ignore = !hasRedis();
const contextOn = (store: Store, agent: string) => surroundings(store, systemClock, agent);

Deno.test({
  name:
    "a held lock keeps its lease and fence when the directory takes over and when Redis is back",
  ignore,
  fn: () =>
    withSites(async ({ server, site }) => {
      const { open } = await site();
      const [first, second] = [await open(), await open()];
      const ada = new Locks(contextOn(first, "ada"));
      const bob = new Locks(contextOn(second, "bob"));
      const [lease] = await ada.acquire("a.py", { ttlMs: 60_000, intent: "fix auth" });
      await server.kill();
      const [renewed] = await ada.renew("a.py", { fence: lease!.fence });
      assert.equal(renewed!.fence, lease!.fence);
      assert.equal((await first.authority()).store, "directory");
      await assert.rejects(bob.acquire("a.py"), ConflictError);
      const [other] = await bob.acquire("b.py", { ttlMs: 60_000 });
      assert.ok(other!.fence > lease!.fence);
      await server.restart();
      await until("Redis has the authority", async () => {
        await bob.list();
        return (await first.authority()).store === "redis";
      });
      assert.equal((await ada.verify("a.py", { fence: lease!.fence })).holder, "ada");
      await assert.rejects(ada.acquire("b.py"), ConflictError);
      await ada.release("a.py", { fence: lease!.fence });
      const [next] = await bob.acquire("a.py");
      assert.ok(next!.fence > other!.fence);
    }),
});

Deno.test({
  name: "what is created while Redis is away is there once, and found, when it is back",
  ignore,
  fn: () =>
    withSites(async ({ server, site }) => {
      const store = await (await site()).open();
      const context = contextOn(store, "ada");
      const [tasks, board, audit] = [new Tasks(context), new Board(context), new Audit(context)];
      const approvals = new Approvals(context);
      const [old] = await tasks.create([{ title: "old" }]);
      const [held] = await tasks.claim();
      await audit.log({ decisionType: "t", context: "c", reason: "before" });
      await server.kill();
      const done = await tasks.complete(held!.id, { result: 1 });
      assert.equal(done.status, "completed");
      const [made] = await tasks.create([{ title: "made meanwhile", priority: 7 }]);
      const thread = await board.post({ title: "hello", message: "there" });
      await board.reply(thread.id, { message: "again" });
      const asked = await approvals.request({ actionType: "deploy", description: "now" });
      await new Approvals(contextOn(store, "bob")).approve(asked.id);
      await audit.log({ decisionType: "t", context: "c", reason: "meanwhile" });
      await server.restart();
      await until("Redis has the authority", async () => {
        await tasks.counts();
        return (await store.authority()).store === "redis";
      });
      assert.equal((await tasks.get(old!.id))?.status, "completed");
      assert.deepEqual((await tasks.get(old!.id))?.result, 1);
      assert.deepEqual((await tasks.claim()).map(({ id }) => id), [made!.id]);
      assert.equal((await board.show(thread.id)).replies?.length, 1);
      assert.equal((await approvals.get(asked.id))?.status, "approved");
      const verified = await audit.verify();
      assert.equal(verified.ok, true);
      assert.equal(verified.entries, 2);
    }),
});

Deno.test({
  name: "a Redis that lost its memory gets the held locks back before it grants anything",
  ignore,
  fn: () =>
    withSites(async ({ server, site }) => {
      const { open } = await site();
      const ada = new Locks(contextOn(await open(), "ada"));
      const bob = new Locks(contextOn(await open(), "bob"));
      const [lease] = await ada.acquire("a.py", { ttlMs: 60_000 });
      await server.command("FLUSHALL");
      await assert.rejects(bob.acquire("a.py"), ConflictError);
      assert.equal((await ada.verify("a.py", { fence: lease!.fence })).holder, "ada");
    }),
});

Deno.test({
  name: "auto refuses to fail over where another site used the server lately, and names it",
  ignore,
  fn: () =>
    withSites(async ({ server, site }) => {
      const [here, there] = [await (await site()).open(), await (await site()).open()];
      const ada = new Locks(contextOn(here, "ada"));
      const bob = new Locks(contextOn(there, "bob"));
      await ada.acquire("a.py");
      await bob.acquire("b.py");
      await here.announce();
      await server.kill();
      for (const locks of [ada, bob]) {
        await assert.rejects(locks.acquire("c.py"), (error: StoreUnavailableError) => {
          assert.match(error.message, /does not take over: site sit_/);
          return error instanceof StoreUnavailableError;
        });
      }
      assert.equal((await here.authority()).store, "redis");
    }),
});

Deno.test({
  name: "who waits for a lock goes on waiting across a change, and gets it",
  ignore,
  fn: () =>
    withSites(async ({ server, site }) => {
      const { open } = await site();
      const ada = new Locks(contextOn(await open(), "ada"));
      const bob = new Locks(contextOn(await open(), "bob"));
      await ada.acquire("a.py", { ttlMs: 60_000 });
      const waiting = bob.acquire("a.py", { waitMs: 30_000 });
      await until("bob waits", async () => (await server.command("EXISTS", "x")) !== undefined);
      await server.kill();
      await ada.renew("a.py");
      await ada.release("a.py");
      const [lease] = await waiting;
      assert.equal(lease!.holder, "bob");
    }),
});

Deno.test({
  name: "a follower of events misses and repeats nothing across both changes",
  ignore,
  fn: () =>
    withSites(async ({ server, site }) => {
      const store = await (await site()).open();
      const locks = new Locks(contextOn(store, "ada"));
      const events = new Events(contextOn(store, "ada"));
      const ending = new AbortController();
      const seen: string[] = [];
      const following = (async () => {
        for await (const event of events.follow({ signal: ending.signal })) {
          if (event.type === "lock.acquired") seen.push(event.subject);
        }
      })();
      await locks.acquire("1");
      await until("the first is seen", () => seen.length === 1);
      await server.kill();
      await locks.acquire("2");
      await server.restart();
      await until("Redis has the authority", async () => {
        await locks.list();
        return (await store.authority()).store === "redis";
      });
      await locks.acquire("3");
      await until("all are seen", () => seen.length >= 3);
      ending.abort();
      await following;
      assert.deepEqual(seen, ["1", "2", "3"]);
    }),
});
