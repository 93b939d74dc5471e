/**
 * Fences and the numbers of events leave a gap whenever another run of a server answers: it may have lost the newest
 * writes, and must not give out again what they gave out.
 * @module
 */
import assert from "node:assert/strict";
import { systemClock } from "../../src/clock.ts";
import { inspectRedis } from "../../src/engine/redis/inspect.ts";
import { RedisStore } from "../../src/open/redis.ts";
import { startProxy } from "../../dev/proxy.ts";
import { freshNamespace, hasRedis, startRedis } from "../../dev/redis_server.ts";
import { eventually } from "../support/wrapped.ts";
import { Bench, OPERATIONS } from "./operations.ts";

/** Whether a call of a script may write: those that only read have no name. */
function mayWrite([word, , keys, ...rest]: readonly string[]): boolean {
  return /^evalsha$/i.test(word!) && rest[Number(keys)] !== "";
}

/** Makes the state be of another run; it and its history follow the version, see state.lua. */
const FORGET = `
local state = redis.call('GET', KEYS[1])
if not state then return end
redis.call('SET', KEYS[1], string.sub(state, 1, 8) .. string.rep('a', 80) .. string.sub(state, 89))`;
const FENCE_AND_RUN = `
local state = redis.call('GET', KEYS[1])
if not state then return { '0', '' } end
local _, run, _, _, fence = struct.unpack('>dc40c40dd', state)
return { string.format('%.0f', fence), run }`;

Deno.test({
  name:
    "every operation that may write leaves a gap in the fences when it is the first on another server",
  ignore: !hasRedis(),
  async fn(t) {
    await using server = await startRedis();
    await using proxy = await startProxy(server);
    for (const operation of OPERATIONS) {
      await t.step(operation.name, async () => {
        const namespace = freshNamespace();
        const state = `{agentcoord:${namespace}}:state`;
        const clock = { nowMs: 1_700_000_000_000 };
        const store = await RedisStore.open(proxy.url, { namespace, nowMs: () => clock.nowMs });
        const bench = new Bench(store, clock);
        const given = await bench.prepare(operation);
        await server.command("EVAL", FORGET, 1, state);
        const before = await server.command("EVAL", FENCE_AND_RUN, 1, state) as string[];
        proxy.clear();
        await bench.run(operation, given);
        const after = await server.command("EVAL", FENCE_AND_RUN, 1, state) as string[];
        await bench.end();
        await store.close();
        if (before[1] === "" || !proxy.commands().some(mayWrite)) return;
        assert.notEqual(after[1], "a".repeat(40));
        assert.ok(Number(after[0]) >= Number(before[0]) + 65_536, `${before[0]}, ${after[0]}`);
      });
    }
  },
});

Deno.test({
  name:
    "fences leave a gap over a restart also when the first to come back asks for an answer it has lost",
  ignore: !hasRedis(),
  async fn() {
    await using server = await startRedis({
      config: { appendonly: "yes", appendfsync: "always" },
    });
    await using proxy = await startProxy(server);
    const store = await RedisStore.open(proxy.url, { namespace: freshNamespace() });
    const bench = new Bench(store, { nowMs: 0 });
    const { locks } = bench.as("ada");
    // The server knows the script by now: what is lost below is its answer.
    await locks.releaseAll();
    const [before] = await locks.acquire("a.py");
    // No way back before the server is another.
    await proxy.refuse(true);
    proxy.loseReplies(1, mayWrite);
    const released = locks.releaseAll();
    await eventually("a lost answer", () => proxy.lost().length > 0);
    await server.restart();
    await proxy.refuse(false);
    assert.deepEqual(await released, [before]);
    const [next] = await locks.acquire("a.py");
    assert.ok(next!.fence > before!.fence + 1, `${before!.fence}, then ${next!.fence}`);
    await store.close();
  },
});

Deno.test({
  name:
    "restart of a server is reported once, by an event before those of the next operation and by doctor",
  ignore: !hasRedis(),
  async fn() {
    await using server = await startRedis({
      config: { appendonly: "yes", appendfsync: "always" },
    });
    const namespace = freshNamespace();
    const inspect = () => inspectRedis(server.url, { namespace, clock: systemClock, samples: 1 });
    const store = await RedisStore.open(server.url, { namespace });
    const { locks, events } = new Bench(store, { nowMs: 0 }).as("ada");
    const types = async () => (await events.list()).events.map(({ type }) => type);
    await locks.acquire("a.py");
    assert.deepEqual(await types(), ["agent.registered", "lock.acquired"]);
    assert.equal((await inspect()).state?.restored, undefined);
    await server.restart();
    // What only reads notes nothing.
    assert.deepEqual(await types(), ["agent.registered", "lock.acquired"]);
    assert.equal((await inspect()).state?.restored, undefined);
    await locks.acquire("b.py");
    await locks.acquire("c.py");
    const all = (await events.list()).events;
    assert.deepEqual(all.map(({ type }) => type), [
      "agent.registered",
      "lock.acquired",
      "store.restored",
      "lock.acquired",
      "lock.acquired",
    ]);
    const { subject, agent, data, atMs } = all[2]!;
    assert.deepEqual({ subject, agent, data }, {
      subject: "store",
      agent: undefined,
      data: { cause: "server" },
    });
    assert.deepEqual((await inspect()).state?.restored, { atMs, cause: "server" });
    await store.close();
  },
});

Deno.test({
  name:
    "follower is woken by the event of a restarted server although the operation itself tells nothing",
  ignore: !hasRedis(),
  async fn() {
    await using server = await startRedis({
      config: { appendonly: "yes", appendfsync: "always" },
    });
    const store = await RedisStore.open(server.url, { namespace: freshNamespace() });
    const { locks, events } = new Bench(store, { nowMs: 0 }).as("ada");
    await locks.acquire("a.py");
    await server.restart();
    // A look at the end of the events listens for more; so this operation, which writes, finds the gap first.
    const { events: seen } = await events.list();
    const from = seen.at(-1)!.id;
    for await (const { type } of events.follow({ since: from })) {
      assert.equal(type, "store.restored");
      break;
    }
    await store.close();
  },
});
