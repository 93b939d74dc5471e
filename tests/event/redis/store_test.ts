import assert from "node:assert/strict";
import { RedisEvents } from "../../../src/event/redis/store.ts";
import { EVENTS_KEPT } from "../../../src/event/model.ts";
import { sequencedAtMs, sequencedId, sequenceOf } from "../../../src/id.ts";
import { Script } from "../../../src/engine/redis/script.ts";
import { type OperationBench, operationTest } from "../../support/redis_operations.ts";

/** Emits so many events of a type, in one operation. */
const FILL = new Script(
  "test/fill",
  [],
  `for i = 1, tonumber(ARGV[5]) do emit(ARGV[6], 'tsk_' .. i, i % 2 == 1 and 'ada' or nil,
     i % 3 == 0 and '{"fence":' .. i .. '}' or nil) end
   return finish('"done"', true)`,
);

const fill = ({ runner }: OperationBench, count: number, type = "task.created") =>
  runner.write(FILL, undefined, count, type);

/** Places in the stream: <instant>-<number>. */
const placeOf = (id: string) => `${sequencedAtMs(id)}-${sequenceOf("evt", id)}`;
const after = (id: string) => ({ after: { id, seq: sequenceOf("evt", id)! } });

async function read(store: RedisEvents, query: Partial<Parameters<RedisEvents["read"]>[0]> = {}) {
  const outcome = await store.read({ limit: 1000, ...query });
  assert.ok(outcome.kind === "read", outcome.kind);
  return outcome;
}

operationTest("event pages split what one operation did anywhere", async (bench) => {
  const store = new RedisEvents(bench.runner);
  for (const count of [1, 20, 3]) {
    await fill(bench, count);
    bench.clock.advance(1);
  }
  const { events, cursor } = await read(store, { waits: true });
  assert.equal(await bench.raw("EXISTS", ":listeners"), 0, "who found something does not listen");
  const late = sequencedId("evt", bench.clock.nowMs() + 9, 0);
  assert.deepEqual((await read(store, after(late))).events, events, "0 is the very beginning");
  const base = sequenceOf("evt", events[0]!.id)! - 1;
  assert.deepEqual(
    events.map(({ id }) => sequenceOf("evt", id)! - base),
    Array.from({ length: 24 }, (_, index) => index + 1),
  );
  const startMs = bench.clock.nowMs() - 3;
  assert.deepEqual(events.map(({ atMs }) => atMs - startMs), [
    0,
    ...Array(20).fill(1),
    2,
    2,
    2,
  ]);
  assert.deepEqual(events[3], {
    id: sequencedId("evt", startMs + 1, base + 4),
    type: "task.created",
    subject: "tsk_3",
    agent: "ada",
    atMs: startMs + 1,
    data: { fence: 3 },
  });
  assert.deepEqual(Object.keys(events[2]!).sort(), ["atMs", "id", "subject", "type"]);
  assert.equal(cursor, events.at(-1)!.id);
  assert.equal(cursor, await store.end());
  for (const [index, { id }] of events.entries()) {
    assert.deepEqual(await read(store, after(id)), {
      kind: "read",
      events: events.slice(index + 1),
      cursor,
    });
    for (const limit of [1, 2, 9]) {
      const page = await read(store, { ...after(id), limit });
      assert.deepEqual(page.events, events.slice(index + 1, index + 1 + limit));
      assert.equal(page.cursor, page.events.length === limit ? page.events.at(-1)!.id : cursor);
    }
  }
});

operationTest(
  "event reading by type looks at so many per operation and still finds the last",
  async (bench) => {
    const store = new RedisEvents(bench.runner);
    await fill(bench, 1, "task.dead");
    // Entries of one event: so many that one operation does not look at all of them.
    await Promise.all(Array.from({ length: 9000 }, () => fill(bench, 1)));
    const { client } = bench.connection;
    const { evalsha } = client;
    let steps = 0;
    client.evalsha = (...args) => (steps++, evalsha.apply(client, args));
    const quiet = await read(store, { type: "task.failed", waits: true });
    assert.deepEqual(quiet.events, []);
    assert.equal(steps, 15);
    assert.equal(await bench.raw("HLEN", ":listeners"), 1);
    assert.equal(quiet.cursor, await store.end());
    await fill(bench, 1, "task.dead");
    assert.equal(await bench.raw("HLEN", ":listeners"), 0);
    const { events, cursor } = await read(store, { type: "task.dead", waits: true });
    assert.equal(events.length, 2);
    assert.equal(cursor, await store.end());
    assert.equal(await bench.raw("HLEN", ":listeners"), 0, "who found something does not listen");
    assert.deepEqual((await read(store, { type: "task.dead", limit: 1 })).cursor, events[0]!.id);
  },
);

operationTest("event trimming tells a cursor that it overtook", async (bench) => {
  const store = new RedisEvents(bench.runner);
  await fill(bench, 3);
  const third = await store.end();
  // What is kept is counted in entries, so each event has an operation of its own.
  const entry = Array.from({ length: 500 }, (_, index) => index);
  let number = 3;
  const stuff = async (count: number) => {
    for (let done = 0; done < count; done += entry.length) {
      await Promise.all(entry.map(() => fill(bench, 1)));
      number += entry.length;
    }
  };
  await stuff(EVENTS_KEPT);
  await stuff(1000);
  const kept = Number(await bench.raw("XLEN", ":events"));
  assert.ok(kept >= EVENTS_KEPT && kept < number);
  const { events } = await read(store, { limit: 1 });
  const oldest = events[0]!.id;
  assert.ok(sequenceOf("evt", oldest)! > 3);
  assert.deepEqual(await store.read({ limit: 1, ...after(third) }), { kind: "trimmed", oldest });
  const start = sequencedId("evt", bench.clock.nowMs(), 0);
  assert.deepEqual(await store.read({ limit: 1, ...after(start) }), { kind: "trimmed", oldest });
  const edge = sequencedId("evt", bench.clock.nowMs(), sequenceOf("evt", oldest)! - 1);
  assert.deepEqual((await read(store, { limit: 1, ...after(edge) })).events, events);
  assert.deepEqual((await read(store, { limit: 1, sinceMs: 0 })).events, events);
});

operationTest(
  "event numbers leave a gap when another run of the server answers, and no cursor minds",
  async (bench) => {
    const store = new RedisEvents(bench.runner);
    const start = await store.end();
    // What a write before the first event leaves behind, then a server that started anew.
    await read(store, { waits: true });
    const { connection } = bench;
    const restart = (runId: string) => {
      connection.server = { ...connection.server, runId };
      connection.connects++;
    };
    restart("b".repeat(40));
    await fill(bench, 2);
    const first = await read(store, after(start));
    assert.deepEqual(first.events.map(({ type }) => type === "store.restored"), [
      true,
      false,
      false,
    ]);
    assert.ok(sequenceOf("evt", first.events[0]!.id)! > 65_536, "there is a gap");
    bench.clock.advance(5);
    restart("c".repeat(40));
    const lostLast = sequencedId(
      "evt",
      bench.clock.nowMs() - 1,
      sequenceOf("evt", first.cursor)! + 1,
    );
    assert.equal((await store.read({ limit: 1, ...after(lostLast) })).kind, "unknown");
    // As soon as the new run has written, numbers up to the end of the gap may have been given out.
    await read(store, { ...after(first.cursor), waits: true });
    assert.equal((await read(store, after(lostLast))).events.length, 1);
    await fill(bench, 1);
    const { events } = await read(store, after(first.cursor));
    assert.deepEqual(events.map(({ type }) => type === "store.restored"), [true, false]);
    const [one, two] = [first.cursor, events[0]!.id].map((id) => sequenceOf("evt", id)!);
    assert.ok(two! - one! >= 65_536);
    // A number that a server gave out and lost lies in the gap: what comes after it is all there.
    const lost = sequencedId("evt", bench.clock.nowMs() - 3, one! + 2);
    assert.deepEqual((await read(store, after(lost))).events, events);
    const elsewhere = [
      sequencedId("evt", bench.clock.nowMs() + 9, one! + 2),
      sequencedId("evt", bench.clock.nowMs() - 9, one! + 2),
      sequencedId("evt", bench.clock.nowMs(), one!),
      sequencedId("evt", bench.clock.nowMs(), two! + 2),
    ];
    for (const id of elsewhere) {
      assert.equal((await store.read({ limit: 1, ...after(id) })).kind, "unknown", placeOf(id));
    }
  },
);

operationTest("event waiters are woken once, and again for who listens again", async (bench) => {
  const store = new RedisEvents(bench.runner);
  const waker = await bench.runner.waker();
  try {
    await read(store, { waits: true });
    await read(store, { waits: true });
    await fill(bench, 2);
    await waker.wait(0, 5000);
    assert.equal(waker.wakes, 1);
    await fill(bench, 1);
    await waker.wait(1, 50);
    assert.equal(waker.wakes, 1);
    await read(store, { ...after(await store.end()), waits: true });
    await fill(bench, 1);
    await waker.wait(1, 5000);
    assert.equal(waker.wakes, 2);
  } finally {
    waker.close();
  }
});
