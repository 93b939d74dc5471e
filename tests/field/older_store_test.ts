/**
 * A store that version 0.1.0 left behind, recorded byte by byte: opened and brought forward.
 * @module
 */
import assert from "node:assert/strict";
import { Audit } from "../../src/audit/audit.ts";
import { Board } from "../../src/board/board.ts";
import { Events } from "../../src/event/event.ts";
import { Locks } from "../../src/lock/lock.ts";
import { SCHEMA_VERSION } from "../../src/engine/directory/database.ts";
import { DirectoryStore } from "../../src/open/directory.ts";
import { inspectDatabase } from "../../src/engine/directory/inspect.ts";
import { startAfter } from "../../src/engine/numbers.ts";
import { Tasks } from "../../src/task/task.ts";
import { TestClock } from "../support/stores.ts";

const RECORDED = new URL("../store/version_1.db.gz.base64", import.meta.url);
/** The store's clock, and the last fence, when it was recorded. */
const RECORDED_MS = 1_795_842_124_326;
const LAST_FENCE = 2;

Deno.test("store of version 0.1.0 comes forward with all it holds, and its fences leap", async () => {
  const directory = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
  const home = `${directory}/namespaces/default`;
  await Deno.mkdir(home, { recursive: true });
  const zipped = Uint8Array.fromBase64(await Deno.readTextFile(RECORDED));
  const whole = new Blob([zipped]).stream().pipeThrough(new DecompressionStream("gzip"));
  await Deno.writeFile(`${home}/store.db`, whole);
  await Deno.writeTextFile(`${home}/store.lock`, "");
  assert.equal(inspectDatabase(directory, "default").schema, 1);
  const clock = new TestClock();
  clock.advance(RECORDED_MS + 1000 - clock.nowMs());
  const options = { namespace: "default", durability: "normal", clock } as const;
  const store = await DirectoryStore.open(directory, options);
  try {
    const context = (name: string) => ({
      store,
      clock,
      lockPath: (path: string) => ({ path, aliases: [] }),
      actor: { name, host: "test-host" },
    });
    const held = await new Locks(context("ada")).list();
    assert.deepEqual(
      held.map(({ path, holder, fence, intent }) => [path, holder, fence, intent]),
      [["src/a.py", "ada", 1, "fix login"]],
    );
    const { tasks } = await new Tasks(context("ada")).list();
    assert.deepEqual(
      tasks.map(({ title, status, lease }) => [title, status, lease?.fence]).sort(),
      [["First", "claimed", LAST_FENCE], ["Second", "pending", undefined]],
    );
    assert.equal((await new Board(context("ada")).list()).threads.length, 1);
    assert.equal((await new Audit(context("ada")).verify()).entries, 1);
    const { events } = await new Events(context("ada")).list();
    assert.equal(events.length, 8);
    // The lease that was held goes on under its fence; the next ones are above all that was ever given.
    await new Locks(context("ada")).renew("src/a.py", { fence: 1 });
    const [next] = await new Locks(context("bob")).acquire("b.py");
    assert.ok(next!.fence > startAfter(RECORDED_MS, LAST_FENCE));
    const later = (await new Events(context("ada")).list({ since: events.at(-1)!.id })).events;
    assert.deepEqual(later.map(({ type }) => type), ["lock.acquired"]);
    const { schema, integrity, lostCommits } = inspectDatabase(directory, "default");
    assert.deepEqual([schema, integrity, lostCommits], [SCHEMA_VERSION, "ok", 0]);
  } finally {
    await store.close();
    await Deno.remove(directory, { recursive: true });
  }
});
