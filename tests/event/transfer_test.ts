/**
 * Events on their way from a directory that stood in into Redis.
 * @module
 */
import assert from "node:assert/strict";
import { DirectoryEventTransfer } from "../../src/event/directory/transfer.ts";
import type { CoordEvent } from "../../src/event/model.ts";
import { RedisEventTransfer } from "../../src/event/redis/transfer.ts";
import type { EventStore } from "../../src/event/store.ts";
import { draftEntry } from "../../src/audit/entry.ts";
import { sequenceOf } from "../../src/id.ts";
import type { Store } from "../../src/store.ts";
import type { PortionLimit } from "../../src/transfer.ts";
import { type OutageBench, outageTest, PORTION } from "../support/outage.ts";

async function acquire(store: Store, agent: string, ...paths: string[]): Promise<void> {
  const request = {
    paths,
    mode: "exclusive",
    ttlMs: 60_000,
    intent: "",
    reentrant: false,
  } as const;
  const outcome = await (await store.locks()).acquire({ name: agent, host: "mill" }, request);
  assert.equal(outcome.kind, "acquired");
}

async function log(store: Store, agent: string): Promise<string> {
  const text = { agent, decisionType: "deployment", context: "c", reason: "r", refs: [] };
  const actor = { name: agent, host: "mill" };
  return (await (await store.audit()).append(actor, await draftEntry(text), undefined)).id;
}

async function all(store: EventStore, after?: string): Promise<readonly CoordEvent[]> {
  const start = after === undefined ? {} : { after: { id: after, seq: sequenceOf("evt", after)! } };
  const found = await store.read({ ...start, limit: 100_000 });
  assert.ok(found.kind === "read");
  return found.events;
}

const words = (events: readonly CoordEvent[]) =>
  events.map((event) => `${event.type} ${event.subject}`);

async function move(
  { directory, redis }: OutageBench,
  { limit = PORTION, ends = true }: { limit?: PortionLimit; ends?: boolean } = {},
): Promise<void> {
  const source = new DirectoryEventTransfer(directory.engine);
  const target = new RedisEventTransfer(redis.runner);
  for (let more = true; more;) {
    const portion = await source.changed(limit);
    more = portion.more;
    assert.deepEqual(await target.take(portion.records, { last: ends && !more }), []);
    await source.settle(portion.keys);
  }
}

outageTest("events of an outage keep their identifiers, told once or twice", async (bench) => {
  const { redis, directory, clock } = bench;
  await acquire(redis, "ada", "before");
  const events = await redis.events();
  const before = await all(events);
  clock.advance(10);
  await acquire(directory, "ada", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j");
  await log(directory, "bob");
  clock.advance(10);
  await acquire(directory, "cy", "k");
  const told = await all(await directory.events());
  assert.ok(told.length > 14);
  clock.advance(10);
  await move(bench, { limit: { records: 3, bytes: 1 << 20 } });
  for (let round = 0; round < 2; round++) {
    assert.deepEqual(await all(events), [...before, ...told]);
    await new DirectoryEventTransfer(directory.engine).markAll();
    await move(bench);
  }
  // Each is a cursor, and what happens from now on comes behind.
  await acquire(redis, "dee", "l");
  const newest = [...before, ...told, ...(await all(events, told.at(-1)!.id))];
  for (const [index, { id }] of newest.entries()) {
    assert.deepEqual(await all(events, id), newest.slice(index + 1));
  }
  assert.deepEqual(words(newest.slice(-2)), ["agent.registered dee", "lock.acquired l"]);
});

outageTest(
  "events of late calls come behind those of an outage, without what it tells, too",
  async (bench) => {
    const { redis, directory, clock } = bench;
    const events = await redis.events();
    await acquire(redis, "ada", "before");
    const before = await all(events);
    await acquire(directory, "bob", "a");
    const told = await all(await directory.events());
    clock.advance(10);
    await acquire(redis, "bob", "a", "late");
    await acquire(redis, "ada", "later");
    clock.advance(10);
    await acquire(directory, "bob", "b");
    const end = (await all(await directory.events())).slice(told.length);
    await move(bench, { limit: { records: 1, bytes: 1 << 20 } });
    const late = (await all(events)).slice(-2);
    for (let round = 0; round < 2; round++) {
      const found = await all(events);
      // Others may have read them already.
      assert.deepEqual(found.slice(-2), late);
      assert.deepEqual(found.slice(0, -2), [...before, ...told, ...end]);
      assert.deepEqual(words(found.slice(-2)), ["lock.acquired late", "lock.acquired later"]);
      const numbers = found.map(({ id }) => sequenceOf("evt", id)!);
      assert.deepEqual(numbers, [...numbers].sort((a, b) => a - b));
      // A crash right before the end, after which all is told again.
      await new DirectoryEventTransfer(directory.engine).markAll();
      await move(bench);
    }
  },
);

outageTest(
  "events of other agents on the server about the same subject are kept",
  async (bench) => {
    const { redis, directory, clock } = bench;
    await acquire(directory, "bob", "a");
    clock.advance(10);
    // At another site, to which the server was there all the time.
    await acquire(redis, "cy", "a");
    clock.advance(10);
    await move(bench);
    const found = await all(await redis.events());
    assert.deepEqual(
      found.filter(({ type }) => type === "lock.acquired").map(({ agent }) => agent),
      ["bob", "cy"],
    );
  },
);

outageTest("events of late calls that were taken out come back after a crash", async (bench) => {
  const { redis, directory, clock, raw } = bench;
  await acquire(directory, "bob", "a");
  const told = await all(await directory.events());
  clock.advance(10);
  await acquire(redis, "ada", "late");
  await move(bench, { ends: false });
  const events = await redis.events();
  assert.deepEqual(await all(events), told);
  assert.equal(await raw("EXISTS", ":late_events"), 1);
  // One that comes between two portions.
  await acquire(redis, "ada", "later");
  clock.advance(10);
  await acquire(directory, "bob", "b");
  await move(bench, { ends: false });
  await new RedisEventTransfer(redis.runner).take([], { last: true });
  assert.deepEqual(words(await all(events)), [
    "agent.registered bob",
    "lock.acquired a",
    "lock.acquired b",
    "agent.registered ada",
    "lock.acquired late",
    "lock.acquired later",
  ]);
  assert.equal(await raw("EXISTS", ":late_events"), 0);
});

outageTest("many events of late calls come back in their order", async (bench) => {
  const { redis, directory, clock } = bench;
  await acquire(directory, "bob", "a");
  clock.advance(10);
  const ids: string[] = [];
  for (let done = 0; done < 1100; done++) ids.push(await log(redis, "ada"));
  await move(bench);
  const found = await all(await redis.events());
  assert.deepEqual(words(found.slice(0, 3)), [
    "agent.registered bob",
    "lock.acquired a",
    "agent.registered ada",
  ]);
  assert.deepEqual(found.slice(3).map(({ subject }) => subject), ids);
});

outageTest("events that are taken wake whoever follows them", async (bench) => {
  const { redis, directory } = bench;
  await acquire(directory, "bob", "a");
  const waker = await redis.waker();
  const seen = waker.wakes;
  await (await redis.events()).read({ limit: 1, waits: true });
  await move(bench);
  await waker.wait(seen, 30_000);
  assert.equal(waker.wakes, seen + 1);
});

outageTest("events portions hold as many, and about as long ones, as they may", async (bench) => {
  const { directory } = bench;
  await acquire(directory, "bob", "a", "b", "c");
  const source = new DirectoryEventTransfer(directory.engine);
  const few = await source.changed({ records: 2, bytes: 1 << 20 });
  assert.deepEqual([few.records.length, few.more], [2, true]);
  const short = await source.changed({ records: 9, bytes: 1 });
  assert.deepEqual([short.records.length, short.more], [1, true]);
  const whole = await source.changed({ records: 4, bytes: 1 << 20 });
  assert.deepEqual([whole.records.length, whole.more], [4, false]);
});

outageTest(
  "events of two outages at the same time are all told, the later told ones in their place",
  async ({ directory, redis, clock }) => {
    const earlier = new RedisEventTransfer(redis.runner, { outage: "sit_1.2" });
    const later = new RedisEventTransfer(redis.runner, { outage: "sit_2.2" });
    await acquire(directory, "bob", "a");
    clock.advance(10);
    await acquire(directory, "cy", "b", "c");
    const source = new DirectoryEventTransfer(directory.engine);
    const { records } = await source.changed(PORTION);
    const [first, second] = [records.slice(0, 2), records.slice(2)];
    assert.ok(second.length >= 2);
    // The one that was away later is back first, and both took the same path meanwhile.
    const same = { ...second.at(-1)!, subject: first.at(-1)!.subject };
    await later.take([...second.slice(0, -1), same], { last: true });
    for (let round = 0; round < 2; round++) {
      await earlier.take(first, { last: true });
      const found = await all(await redis.events());
      assert.deepEqual(words(found), words([...first, ...second.slice(0, -1), same]));
      assert.deepEqual(found.slice(0, 2).map(({ id }) => id), first.map(({ id }) => id));
      const numbers = found.map(({ id }) => sequenceOf("evt", id)!);
      assert.deepEqual(numbers, [...new Set(numbers)].sort((a, b) => a - b));
    }
  },
);
