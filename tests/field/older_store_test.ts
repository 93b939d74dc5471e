/**
 * A store that version 0.1.0 left behind, recorded byte by byte: opened and brought forward.
 * @module
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { Audit } from "../../src/audit/audit.ts";
import { Board } from "../../src/board/board.ts";
import { Events } from "../../src/event/event.ts";
import { Locks } from "../../src/lock/lock.ts";
import { DirectoryStore } from "../../src/open/directory.ts";
import { MIGRATIONS } from "../../src/open/migrations.ts";
import { inspectContent } from "../../src/open/inspect.ts";
import { startAfter } from "../../src/engine/numbers.ts";
import { Tasks } from "../../src/task/task.ts";
import { TestClock } from "../../dev/stores.ts";
import { SCHEMA_VERSION } from "../../src/open/schema.ts";
import { contextOn } from "../../dev/room_context.ts";

const RECORDED = new URL("../open/version_1.db.gz.base64", import.meta.url);
/** The store's clock, and the last fence, when it was recorded. */
const RECORDED_MS = 1_795_842_124_326;
const LAST_FENCE = 2;

Deno.test("store of version 0.1.0 comes forward with all it holds, and its fences have a gap", async () => {
  const directory = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
  const home = `${directory}/namespaces/default`;
  await Deno.mkdir(home, { recursive: true });
  const zipped = Uint8Array.fromBase64(await Deno.readTextFile(RECORDED));
  const whole = new Blob([zipped]).stream().pipeThrough(new DecompressionStream("gzip"));
  await Deno.writeFile(`${home}/store.db`, whole);
  await Deno.writeTextFile(`${home}/store.lock`, "");
  assert.equal(inspectContent(directory, "default").schema, 1);
  const clock = new TestClock();
  clock.advance(RECORDED_MS + 1000 - clock.nowMs());
  const options = { namespace: "default", durability: "normal", clock } as const;
  const store = await DirectoryStore.open(directory, options);
  try {
    const context = (name: string) => contextOn(store, clock, name);
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
    const { schema, integrity, lostCommits } = inspectContent(directory, "default");
    assert.deepEqual([schema, integrity, lostCommits], [SCHEMA_VERSION, "ok", 0]);
  } finally {
    await store.close();
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("store of schema 3 comes forward with the attempts on its tasks", async () => {
  const directory = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
  const home = `${directory}/namespaces/default`;
  await Deno.mkdir(home, { recursive: true });
  await Deno.writeTextFile(`${home}/store.lock`, "");
  const clock = new TestClock();
  const nowMs = clock.nowMs();
  const ids = ["A", "B", "C", "D"].map((letter) => `tsk_${letter.repeat(26)}`);
  const older = Array.from({ length: 99 }, (_, n) => ({
    holder: "ada",
    fence: 2 ** 52 + n,
    startedAtMs: nowMs - 1000 + n,
    endedAtMs: nowMs - 999 + n,
    outcome: "released",
    error: `src/a.py "${n}"\né`,
  }));
  const db = new DatabaseSync(`${home}/store.db`);
  for (const migration of MIGRATIONS.slice(0, 3)) db.exec(migration);
  db.exec(
    `PRAGMA application_id = ${0x41437264}; PRAGMA user_version = 3; PRAGMA journal_mode = WAL`,
  );
  db.prepare("UPDATE state SET now_ms = ?, fence = ?, event = 9, commits = 9, counts = ?")
    .run(nowMs, 2 ** 52 + 200, JSON.stringify({ "tasks:pending": 4 }));
  const insert = db.prepare(
    `INSERT INTO tasks (seq, id, status, rank, fence, lease_ms, worker, started_at_ms, ended_at_ms, outcome,
       attempts, spent, waits_for, updated_at_ms, spec, description)
     VALUES (?, ?, 'pending', ?, ?, 60000, ?, ?, ?, 'released', ?, 0, 0, ?, ?, '')`,
  );
  const spec = {
    title: "x",
    tags: [],
    maxAttempts: 4,
    leaseMs: 60_000,
    backoff: { kind: "none", baseMs: 0 },
    dependsOn: [],
    createdBy: "ada",
    createdAtMs: nowMs,
  };
  const kept = [JSON.stringify(older), "[]", "[{", '{"a":1,"b":2}'];
  for (const [index, id] of ids.entries()) {
    const seq = index + 1;
    const at = [2 ** 52 + 100, "bob", nowMs, nowMs] as const;
    insert.run(seq, id, 9 * 2 ** 48 + seq, ...at, kept[index]!, nowMs, JSON.stringify(spec));
  }
  db.close();
  const options = { namespace: "default", durability: "normal", clock } as const;
  const store = await DirectoryStore.open(directory, options);
  try {
    const tasks = new Tasks(contextOn(store, clock, "cy"));
    const [full, none, torn, odd] = ids as [string, string, string, string];
    const whole = await tasks.show(full);
    assert.deepEqual(whole.attempts.slice(0, -1), older);
    assert.equal(whole.attempts[99]!.holder, "bob");
    assert.equal((await tasks.show(none)).attempts.length, 1);
    // What cannot be read stays with its task, and in nobody else's way.
    assert.equal((await tasks.list()).tasks.length, 4);
    await assert.rejects(tasks.show(torn), /holds something else than an object/);
    await assert.rejects(tasks.show(odd), /holds something else than an object/);
    const [claimed] = await tasks.claim();
    assert.equal(claimed!.id, full);
    assert.deepEqual(claimed!.attempts.slice(0, 9), older.slice(90));
    assert.equal(claimed!.attemptsLeftOut, 90);
    const { attempts, attemptsLeftOut } = await tasks.show(full);
    assert.deepEqual([attempts.length, attemptsLeftOut], [100, 1]);
    assert.deepEqual(attempts[0], older[1]);
  } finally {
    await store.close();
    await Deno.remove(directory, { recursive: true });
  }
});
