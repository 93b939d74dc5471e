import assert from "node:assert/strict";
import { InvalidArgumentError, NotFoundError } from "../../src/errors.ts";
import type { CoordEvent, EventType } from "../../src/event/model.ts";
import { Events } from "../../src/event/event.ts";
import { sequencedId } from "../../src/id.ts";
import { Locks } from "../../src/lock/lock.ts";
import { ends, GENEROUS_MS } from "../../dev/sleepers.ts";
import { type Bench, storeTest } from "../../dev/stores.ts";

/** Takes and releases the lock on each path, once: two events a path, one millisecond apart. */
async function happen({ as, clock }: Bench, ...paths: readonly string[]): Promise<void> {
  const locks = new Locks(as("ada"));
  for (const path of paths) {
    await locks.acquire(path);
    clock.advance(1);
    await locks.release(path);
    clock.advance(1);
  }
}

const HOUR_MS = 3_600_000;

/** What the acting agent's first operation adds before its own events. */
const ARRIVAL = "agent.registered ada";
/** The events of what a test does; a store that moves meanwhile tells that, too. */
async function* happening(events: AsyncIterable<CoordEvent>): AsyncGenerator<CoordEvent, void> {
  for await (const event of events) yield* happened([event]);
}
/** Those of what a test does. */
const happened = (events: readonly CoordEvent[]) =>
  events.filter(({ type }) => !type.startsWith("store."));
const brief = (events: readonly CoordEvent[]) =>
  happened(events).map(({ type, subject }) => `${type} ${subject}`);

storeTest("event list tells what happened, to what, by whom and when, in order", async (bench) => {
  const atMs = bench.clock.nowMs();
  await happen(bench, "a.py");
  const [next] = await new Locks(bench.as("ada")).acquire("b.py");
  const page = await new Events(bench.as()).list();
  const events = happened(page.events);
  const said = [ARRIVAL, "lock.acquired a.py", "lock.released a.py", "lock.acquired b.py"];
  assert.deepEqual(brief(events), said);
  const { id, ...acquired } = events[1]!;
  assert.match(id, /^evt_[0-9A-HJKMNP-TV-Z]{26}$/);
  assert.deepEqual(acquired, {
    type: "lock.acquired",
    subject: "a.py",
    agent: "ada",
    atMs,
    data: { fence: next!.fence - 1, mode: "exclusive" },
  });
  assert.equal(events[2]!.atMs, atMs + 1);
  assert.equal(page.cursor, page.events.at(-1)!.id);
  assert.deepEqual([...events].sort((a, b) => a.id < b.id ? -1 : 1), events);
});

storeTest("event list goes on where its cursor stands, page by page", async (bench) => {
  await happen(bench, "a.py", "b.py", "c.py");
  const stream = new Events(bench.as());
  const all = happened((await stream.list()).events);
  assert.equal(all.length, 7);
  const pages: CoordEvent[][] = [];
  let page = await stream.list({ limit: 3 });
  while (page.events.length > 0) {
    pages.push([...page.events]);
    page = await stream.list({ limit: 3, since: page.cursor });
  }
  assert.equal(page.cursor, pages.at(-1)!.at(-1)!.id);
  for (const full of pages.slice(0, -1)) assert.equal(full.length, 3);
  assert.deepEqual(happened(pages.flat()), all);
});

storeTest("event pages split what happened in one operation", async (bench) => {
  const paths = Array.from({ length: 12 }, (_, index) => `${index + 10}.py`);
  const locks = new Locks(bench.as("ada"));
  await locks.acquire(paths);
  await locks.release(paths);
  const stream = new Events(bench.as());
  const events = happened((await stream.list()).events);
  const wanted = ["acquired", "released"].flatMap((word) =>
    paths.map((path) => `lock.${word} ${path}`)
  );
  assert.deepEqual(brief(events), [ARRIVAL, ...wanted]);
  for (const [index, { id }] of events.entries()) {
    const rest = events.slice(index + 1);
    assert.deepEqual(happened((await stream.list({ since: id })).events), rest);
    const some = await stream.list({ since: id, limit: 5 });
    assert.deepEqual(happened(some.events), rest.slice(0, 5));
    assert.equal(some.cursor, some.events.at(-1)?.id ?? id);
  }
});

storeTest("event cursor of an empty stream leads to its first event", async (bench) => {
  const stream = new Events(bench.as());
  const empty = await stream.list();
  assert.deepEqual(happened(empty.events), []);
  await happen(bench, "a.py");
  const { events } = await stream.list({ since: empty.cursor });
  assert.equal(brief(events)[0], ARRIVAL);
});

storeTest("event list of one type passes over the others for good", async (bench) => {
  await happen(bench, "a.py", "b.py");
  const stream = new Events(bench.as());
  const acquired = await stream.list({ type: "lock.acquired", limit: 1 });
  assert.deepEqual(brief(acquired.events), ["lock.acquired a.py"]);
  const rest = await stream.list({ type: "lock.acquired", since: acquired.cursor });
  assert.deepEqual(brief(rest.events), ["lock.acquired b.py"]);
  assert.deepEqual(
    brief((await stream.list({ since: rest.cursor })).events),
    [],
    "b.py is released",
  );
  const none = await stream.list({ type: "task.dead" });
  assert.deepEqual(none, { events: [], cursor: (await stream.list()).cursor });
});

storeTest(
  "event list since an instant begins with the first event at or after it",
  async (bench) => {
    const startMs = bench.clock.nowMs();
    await happen(bench, "a.py", "b.py", "c.py");
    const stream = new Events(bench.as());
    const from = async (sinceMs: number) => brief((await stream.list({ since: sinceMs })).events);
    assert.equal((await from(0)).length, 7);
    assert.equal((await from(startMs)).length, 7);
    assert.deepEqual(await from(startMs + 3), [
      "lock.released b.py",
      "lock.acquired c.py",
      "lock.released c.py",
    ]);
    assert.deepEqual(await from(startMs + 5), ["lock.released c.py"]);
    const future = await stream.list({ since: startMs + 60_000 });
    assert.deepEqual(future, { events: [], cursor: (await stream.list()).cursor });
  },
);

storeTest(
  "event list refuses what is no cursor and what is no cursor of this stream",
  async (bench) => {
    await happen(bench, "a.py");
    const stream = new Events(bench.as());
    const { atMs, id } = (await stream.list()).events[0]!;
    for (
      const since of [
        "",
        "yesterday",
        id.slice(1),
        `${id}0`,
        id.toLowerCase(),
        "evt_",
        -1,
        1.5,
        NaN,
      ]
    ) {
      await assert.rejects(stream.list({ since }), InvalidArgumentError, `${since}`);
    }
    for (const limit of [0, 1001, 1.5]) {
      await assert.rejects(stream.list({ limit }), InvalidArgumentError, `${limit}`);
    }
    const type = "lock.eaten" as EventType;
    await assert.rejects(stream.list({ type }), InvalidArgumentError);
    // An hour later than anything here: what is as old as this may be in a store that is out of reach just now.
    const ahead = sequencedId("evt", atMs + HOUR_MS, 2 ** 52);
    const elsewhere = sequencedId("evt", atMs + HOUR_MS, 1);
    for (const since of [ahead, elsewhere]) {
      await assert.rejects(stream.list({ since }), (error: NotFoundError) => {
        assert.ok(error instanceof NotFoundError);
        assert.match(error.message, /not an event of this namespace/);
        assert.deepEqual(error.details, { cursor: since, oldest: id });
        return true;
      });
    }
  },
);

storeTest("event follow tells what happens from now on, as it happens", async (bench) => {
  await happen(bench, "before.py");
  const controller = new AbortController();
  const following = happening(new Events(bench.as()).follow({ signal: controller.signal }));
  const seen: CoordEvent[] = [];
  // The generator looks for its starting point when first asked, so it is asked before anything happens.
  let next = following.next();
  for (const path of ["a.py", "b.py", "c.py"]) {
    await bench.asleep();
    await happen(bench, path);
    for (let count = 0; count < 2; count++) {
      const { value } = await ends("the wait for an event", next);
      seen.push(value!);
      next = following.next();
    }
  }
  controller.abort();
  assert.deepEqual(await next, { value: undefined, done: true });
  assert.deepEqual(
    brief(seen),
    ["a.py", "b.py", "c.py"].flatMap(
      (path) => [`lock.acquired ${path}`, `lock.released ${path}`],
    ),
  );
});

storeTest("event follow catches up from a cursor or an instant before it waits", async (bench) => {
  const startMs = bench.clock.nowMs();
  await happen(bench, "a.py");
  const stream = new Events(bench.as());
  const { events } = await stream.list();
  const signal = AbortSignal.timeout(GENEROUS_MS);
  const take = async (since: string | number, count: number) => {
    const seen: CoordEvent[] = [];
    for await (const event of stream.follow({ since, signal, type: "lock.acquired" })) {
      seen.push(event);
      if (seen.length === count) break;
    }
    return brief(seen);
  };
  const wanted = ["lock.acquired a.py", "lock.acquired b.py"];
  const both = Promise.all([take(events[0]!.id, 2), take(startMs, 2)]);
  await happen(bench, "b.py");
  assert.deepEqual(await both, [wanted, wanted]);
});

storeTest("event follow ends when its signal fires", async (bench) => {
  const stream = new Events(bench.as());
  const following = happening(stream.follow({ signal: AbortSignal.timeout(20) }));
  assert.deepEqual(await following.next(), { value: undefined, done: true });
  const fired = stream.follow({ signal: AbortSignal.abort() });
  assert.deepEqual(await fired.next(), { value: undefined, done: true });
});

storeTest(
  "event follow refuses what is no cursor and what is no cursor of this stream",
  async (bench) => {
    const stream = new Events(bench.as());
    await assert.rejects(stream.follow({ since: "later" }).next(), InvalidArgumentError);
    const ahead = sequencedId("evt", bench.clock.nowMs() + HOUR_MS, 5);
    await assert.rejects(stream.follow({ since: ahead }).next(), NotFoundError);
  },
);
