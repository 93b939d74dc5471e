import assert from "node:assert/strict";
import { NotFoundError } from "../../../src/errors.ts";
import { emit, listen, notify } from "../../../src/event/directory/append.ts";
import { DirectoryEvents } from "../../../src/event/directory/store.ts";
import { Events } from "../../../src/event/event.ts";
import { EVENTS_KEPT } from "../../../src/event/model.ts";
import type { RoomContext } from "../../../src/context.ts";
import { sequenceOf } from "../../../src/id.ts";
import { DirectoryEngine } from "../../../src/engine/directory/engine.ts";
import type { Store } from "../../../src/store.ts";
import { TestClock } from "../../../dev/stores.ts";
import { PREAMBLE } from "../../../src/open/preamble.ts";
import { SCHEMA } from "../../../src/open/schema.ts";

interface Workbench {
  readonly engine: DirectoryEngine;
  readonly clock: TestClock;
}

function engineTest(name: string, body: (bench: Workbench) => Promise<void>): void {
  Deno.test(name, async () => {
    const directory = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
    const clock = new TestClock();
    const engine = await DirectoryEngine.open(directory, {
      schema: SCHEMA,
      preamble: PREAMBLE,
      durability: "normal",
      clock,
    });
    try {
      await body({ engine, clock });
    } finally {
      await engine.close();
      await Deno.remove(directory, { recursive: true });
    }
  });
}

/** Appends `count` events in one operation. */
function fill(engine: DirectoryEngine, count: number): Promise<void> {
  return engine.write(undefined, (tx) => {
    for (let done = 0; done < count; done++) emit(tx, "task.created", "tsk_1", undefined);
  });
}

function kept(engine: DirectoryEngine) {
  return engine.read((reader) => ({
    ...reader.get<{ oldest: number; newest: number; count: number }>(
      "SELECT MIN(seq) oldest, MAX(seq) newest, COUNT(*) count FROM events",
    )!,
  }));
}

engineTest(
  "event trimming keeps the newest events and tells a cursor that it overtook",
  async ({ engine }) => {
    const store = new DirectoryEvents(engine);
    await fill(engine, 10);
    const query = { limit: 1 };
    const first = await store.read(query);
    assert.ok(first.kind === "read");
    const before = sequenceOf("evt", first.events[0]!.id)! - 1;
    const tenth = await store.end();
    await fill(engine, EVENTS_KEPT);
    // Each number that is a whole thousand trims the stream.
    const oldestAt = (newest: number) => Math.max(before, newest - newest % 1000 - EVENTS_KEPT) + 1;
    for (const more of [0, 1000]) {
      await fill(engine, more);
      const newest = before + EVENTS_KEPT + 10 + more;
      const oldest = oldestAt(newest);
      assert.deepEqual(await kept(engine), { oldest, newest, count: newest - oldest + 1 });
    }
    const gone = oldestAt(before + EVENTS_KEPT + 1010) - 1;
    const oldest = await store.read({ limit: 1000 });
    assert.ok(oldest.kind === "read");
    assert.equal(oldest.events.length, 1000);
    const lost = await store.read({ ...query, after: { id: tenth, seq: before + 10 } });
    assert.deepEqual(lost, { kind: "trimmed", oldest: oldest.events[0]!.id });
    // The last one dropped is still good: everything after it is there.
    const edge = await store.read({ ...query, after: { id: "", seq: gone } });
    assert.ok(edge.kind === "read");
    assert.deepEqual(edge.events, oldest.events.slice(0, 1));
    for (const seq of [0, gone - 1]) {
      const overtaken = await store.read({ ...query, after: { id: "", seq } });
      assert.equal(overtaken.kind, "trimmed", `${seq}`);
    }
    // An instant before the oldest means whatever is kept.
    const since = await store.read({ ...query, sinceMs: 0 });
    assert.ok(since.kind === "read");
    assert.deepEqual(since.events, oldest.events.slice(0, 1));
  },
);

engineTest(
  "event numbers of an operation that fails are given to the next one",
  async ({ engine }) => {
    const fail = () =>
      engine.write(undefined, (tx) => {
        emit(tx, "task.created", "tsk_1", undefined);
        throw new Error("no");
      });
    await assert.rejects(fail(), /^Error: no$/);
    await fill(engine, 1);
    const { newest } = await kept(engine);
    await assert.rejects(fail(), /^Error: no$/);
    await fill(engine, 1);
    assert.deepEqual(await kept(engine), { oldest: newest, newest: newest + 1, count: 2 });
  },
);

engineTest("listening again while nobody has called changes nothing", async ({ engine }) => {
  const commits = () =>
    engine.read((reader) => reader.get<{ commits: number }>("SELECT commits FROM state")!.commits);
  const ask = () => engine.write(undefined, (tx) => listen(tx, "tasks", "wtr_1"));
  await ask();
  const before = await commits();
  await ask();
  assert.equal(await commits(), before);
});

engineTest(
  "listeners that were never called are forgotten after a day",
  async ({ engine, clock }) => {
    const topics = () =>
      engine.read((reader) =>
        reader.all<{ topic: string }>("SELECT topic FROM listeners").map(({ topic }) => topic)
      );
    await engine.write(undefined, (tx) => listen(tx, "approval:apr_1", "wtr_1"));
    clock.advance(23 * 3_600_000);
    await engine.write(undefined, (tx) => listen(tx, "approval:apr_2", "wtr_2"));
    await fill(engine, 1000);
    assert.equal((await topics()).length, 2);
    clock.advance(2 * 3_600_000);
    await fill(engine, 1000);
    assert.deepEqual(await topics(), ["approval:apr_2"]);
    await engine.write(undefined, (tx) => notify(tx, "approval:apr_2"));
    assert.deepEqual(await topics(), []);
    assert.deepEqual(
      await engine.read((reader) => ({ ...reader.counts })),
      {},
      "no count per topic",
    );
  },
);

engineTest("a dead follower costs one ring", async ({ engine }) => {
  const store = new DirectoryEvents(engine);
  await store.read({ limit: 1, waits: true });
  assert.equal(await engine.read((reader) => reader.counts["listening:events"]), 1);
  await fill(engine, 2);
  assert.equal(await engine.read((reader) => reader.counts["listening:events"]), undefined);
});

engineTest("event follow that fell behind the trimming says so", async ({ engine, clock }) => {
  const store = { events: () => Promise.resolve(new DirectoryEvents(engine)) } as unknown as Store;
  const context = {
    store: { ...store, waker: () => engine.waker() },
    clock,
  } as unknown as RoomContext;
  await fill(engine, 2);
  const following = new Events(context).follow({ since: 0 });
  await following.next();
  await following.next();
  await fill(engine, EVENTS_KEPT + 2000);
  const { oldest } = await kept(engine);
  await assert.rejects(following.next(), (error: NotFoundError) => {
    assert.ok(error instanceof NotFoundError);
    assert.match(error.message, /events after it are no longer kept; start again without a cursor/);
    assert.equal(sequenceOf("evt", String(error.details.oldest)), oldest);
    return true;
  });
});
