/**
 * A fence is compared with older ones, also with those of a store that is no longer there.
 * @module
 */
import assert from "node:assert/strict";
import { Events } from "../../src/event/event.ts";
import { Locks } from "../../src/lock/lock.ts";
import { DirectoryEngine } from "../../src/engine/directory/engine.ts";
import { startAfter } from "../../src/engine/numbers.ts";
import { DirectoryStore } from "../../src/open/directory.ts";
import { cli, withProject } from "../support/cli.ts";
import { TestClock } from "../../dev/stores.ts";
import { PREAMBLE } from "../../src/open/preamble.ts";
import { SCHEMA } from "../../src/open/schema.ts";
import { contextOn } from "../../dev/room_context.ts";

const START_MS = Date.UTC(2025, 0, 1);

Deno.test("fences of a store without memory start from the clock, or above the last known", () => {
  assert.equal(startAfter(START_MS + 1000, 0), 65_536);
  assert.equal(startAfter(START_MS + 86_400_000, 7), 86_400 * 65_536);
  assert.equal(startAfter(START_MS + 1000, 65_537), 65_537);
  assert.equal(startAfter(START_MS - 1000, 0), 0, "a clock before that year changes nothing");
  // Whoever waited a hundredth of a second between two stores got more than the fences in between.
  assert.ok(startAfter(START_MS + 5010, 0) > startAfter(START_MS + 5000, 0) + 255);
  assert.ok(Number.isSafeInteger(startAfter(Date.UTC(4000, 0, 1), 0)));
});

Deno.test("fence of a removed store is not current in the store made in its place", async () => {
  await withProject(async (dir) => {
    const acquire = async (agent: string) => {
      const { code, stdout } = await cli(dir, ["lock", "acquire", "deploy/", "--agent", agent]);
      assert.equal(code, 0);
      return Number(/fence (\d+)/.exec(stdout)![1]);
    };
    const ada = await acquire("ada");
    await Deno.remove(`${dir}/.agentcoord`, { recursive: true });
    const bob = await acquire("bob");
    assert.ok(bob > ada, `${bob} after ${ada}`);
    const stale = await cli(dir, ["lock", "verify", "deploy/", "--fence", `${ada}`]);
    assert.equal(stale.code, 5, stale.stdout);
  });
});

Deno.test("event cursor of a removed store is no cursor of the store made in its place", async () => {
  const clock = new TestClock();
  const cursors: string[] = [];
  for (let round = 0; round < 2; round++) {
    const directory = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
    const options = { namespace: "default", durability: "normal", clock } as const;
    const store = await DirectoryStore.open(directory, options);
    try {
      const locks = new Locks(contextOn(store, clock, "ada"));
      await locks.acquire("a.py");
      const stream = new Events(contextOn(store, clock));
      for (const since of cursors) {
        await assert.rejects(stream.list({ since }), /not an event of this namespace/);
      }
      const { events, cursor } = await stream.list();
      assert.ok(cursors.every((before) => before < events[0]!.id));
      cursors.push(events[0]!.id, cursor);
    } finally {
      await store.close();
      await Deno.remove(directory, { recursive: true });
    }
    clock.advance(10);
  }
});

Deno.test("numbers that the store's own memory knows go on by one", async () => {
  const home = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
  const clock = new TestClock();
  const next = async () => {
    const engine = await DirectoryEngine.open(home, {
      schema: SCHEMA,
      preamble: PREAMBLE,
      durability: "normal",
      clock,
    });
    try {
      return await engine.write(undefined, (tx) => {
        tx.run("INSERT INTO listeners VALUES (?, 'wtr_1', 0)", `${clock.nowMs()}`);
        return [tx.nextFence(), tx.nextEvent()] as const;
      });
    } finally {
      await engine.close();
    }
  };
  try {
    const [fence, event] = await next();
    assert.ok(fence > startAfter(clock.nowMs(), 0));
    clock.advance(60_000);
    assert.deepEqual(await next(), [fence + 1, event + 1]);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});
