/**
 * Making room: what ended long ago is removed, and nothing else.
 * @module
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { olderThan } from "../../src/cli/options.ts";
import { Approvals } from "../../src/approval/approval.ts";
import { Board } from "../../src/board/board.ts";
import { Events } from "../../src/event/event.ts";
import { Tasks } from "../../src/task/task.ts";
import { cli, cliJson, withProject } from "../support/cli.ts";
import { contentsOf } from "../redis/contents.ts";
import { freshNamespace, hasRedis, resp, sharedRedis } from "../../dev/redis_server.ts";
import { DirectoryStore } from "../../src/open/directory.ts";
import { RedisStore } from "../../src/open/redis.ts";
import type { Store } from "../../src/store.ts";
import { storeTest, TestClock } from "../../dev/stores.ts";
import { contextOn } from "../../dev/room_context.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

storeTest(
  "task prune removes what ended long ago, and keeps what is alive or needed",
  async (bench) => {
    const ada = new Tasks(bench.as("ada"));
    const events = new Events(bench.as());
    const [done, , cancelled, needed] = await ada.create([
      { title: "done", key: "done-1" },
      { title: "waits" },
      { title: "cancelled" },
      { title: "needed" },
      { title: "blocked", dependsOn: [3] },
      { title: "dead", maxAttempts: 1 },
    ]);
    const [claimed] = await ada.claim();
    assert.equal(claimed!.id, done!.id);
    await ada.complete(done!.id, { result: { long: "x".repeat(1000) } });
    await ada.cancel(cancelled!.id);
    await ada.cancel(needed!.id);
    bench.clock.advance(40 * DAY_MS);
    const [young] = await ada.claim();
    await ada.complete(young!.id);
    const options = { olderThanMs: 0 } as const;
    const long = { olderThanMs: 30 * DAY_MS };

    assert.equal((await ada.prune({ ...long, dryRun: true })).pruned, 2);
    assert.equal((await ada.list()).tasks.length, 6, "a dry run removes nothing");
    const pruned = await ada.prune(long);
    assert.deepEqual([pruned.pruned, pruned.dryRun], [2, false]);
    assert.deepEqual((await ada.list()).tasks.map(({ title }) => title), [
      "waits",
      "needed",
      "blocked",
      "dead",
    ]);
    assert.equal(await ada.get(done!.id), undefined);
    const { completed, cancelled: left } = await ada.counts();
    assert.deepEqual([completed, left], [1, 1]);
    const said = (await events.list({ type: "task.pruned" })).events;
    assert.deepEqual(said.map(({ subject, data }) => [subject, data?.count]).sort(), [
      ["cancelled", 1],
      ["completed", 1],
    ]);
    assert.equal((await ada.prune(long)).pruned, 0, "again there is nothing to remove");
    const [again] = await ada.create([{ title: "done again", key: "done-1" }]);
    assert.equal(again!.title, "done again", "its key is free");
    await assert.rejects(ada.prune({ ...options, statuses: ["pending" as never] }), {
      code: "invalid_argument",
    });
  },
);

storeTest("task prune goes through thousands in portions", async (bench) => {
  const ada = new Tasks(bench.as("ada"));
  for (let batch = 0; batch < 2; batch++) {
    await ada.create(Array.from({ length: 700 }, (_, index) => ({ title: `${batch} ${index}` })));
  }
  for (let left = 1300; left > 0; left -= 100) {
    for (const { id } of await ada.claim({ count: 100 })) await ada.complete(id);
  }
  bench.clock.advance(40 * DAY_MS);
  assert.equal((await ada.prune({ olderThanMs: DAY_MS })).pruned, 1300);
  assert.equal((await ada.counts()).completed, 0);
  assert.equal((await ada.counts()).pending, 100);
});

storeTest("approval prune removes what was decided or expired long ago", async (bench) => {
  const ada = new Approvals(bench.as("ada"));
  const bob = new Approvals(bench.as("bob"));
  const ask = (key: string) => ada.request({ actionType: "deploy", description: key, key });
  const [first, second, third] = [await ask("a"), await ask("b"), await ask("c")];
  await bob.approve(first!.id);
  await bob.reject(second!.id);
  bench.clock.advance(40 * DAY_MS);
  const fourth = await ask("d");
  const fifth = await ask("e");
  await bob.approve(fifth.id);
  const long = { olderThanMs: 30 * DAY_MS };
  assert.equal((await bob.prune({ ...long, dryRun: true })).pruned, 3);
  assert.equal((await bob.prune(long)).pruned, 3);
  assert.deepEqual((await ada.list()).approvals.map(({ id }) => id), [fifth.id, fourth.id]);
  assert.equal(await ada.get(third!.id), undefined);
  assert.deepEqual(await ada.counts(), { pending: 1, approved: 1, rejected: 0, expired: 0 });
  const sixth = await ask("a");
  assert.notEqual(sixth.id, first!.id, "its key is free");
  assert.deepEqual((await ada.list()).approvals.map(({ id }) => id), [
    sixth.id,
    fifth.id,
    fourth.id,
  ]);
});

storeTest(
  "board prune removes threads that were resolved long ago, and keeps the others",
  async (bench) => {
    const [ada, bob] = [new Board(bench.as("ada")), new Board(bench.as("bob"))];
    const events = new Events(bench.as());
    const old = await ada.post({
      title: "old plan @cat",
      message: "über all",
      tags: ["x"],
      to: ["bob"],
      priority: "high",
      key: "old-1",
    });
    const open = await ada.post({ title: "open plan", tags: ["x"] });
    await bob.reply(old.id, { message: "yes @dan plan", key: "reply-1" });
    await ada.resolve(old.id, { message: "done, @bob" });
    const waiting = await ada.post({ title: "waiting plan" });
    await bob.reply(waiting.id, { message: "hm", status: "waiting" });
    bench.clock.advance(40 * DAY_MS);
    const young = await bob.post({ title: "young plan" });
    await bob.resolve(young.id);
    const long = { olderThanMs: 30 * DAY_MS };

    assert.equal((await ada.prune({ ...long, dryRun: true })).pruned, 1);
    assert.equal((await ada.show(old.id)).replies?.length, 2, "a dry run removes nothing");
    assert.deepEqual(await ada.prune(long), { pruned: 1, olderThanMs: 30 * DAY_MS, dryRun: false });
    const titles = async (page: ReturnType<Board["list"]>) =>
      (await page).threads.map(({ title }) => title);
    assert.deepEqual(await titles(ada.list()), ["young plan", "waiting plan", "open plan"]);
    assert.deepEqual(await titles(ada.list({ tags: ["x"] })), [open.title]);
    assert.deepEqual(await titles(ada.search("plan")), ["young plan", "waiting plan", "open plan"]);
    for (const word of ["old", "uber", "yes", "done"]) {
      assert.deepEqual(await titles(ada.search(word)), [], word);
    }
    assert.equal(await ada.get(old.id), undefined);
    await assert.rejects(ada.reply(old.id, { message: "late" }), { code: "not_found" });
    assert.deepEqual(await ada.counts(), { active: 1, waiting: 1, resolved: 1 });
    for (
      const [name, unread] of [["ada", ["hm"]], ["bob", []], ["cat", []], ["dan", []]] as const
    ) {
      const inbox = await new Board(bench.as(name)).inbox();
      assert.deepEqual(inbox.map(({ message }) => message), unread, name);
    }
    const said = (await events.list({ type: "thread.pruned" })).events;
    assert.deepEqual(said.map(({ subject, agent, data }) => [subject, agent, data]), [
      ["resolved", "ada", { count: 1, olderThanMs: 30 * DAY_MS }],
    ]);
    assert.equal((await ada.prune(long)).pruned, 0, "again there is nothing to remove");
    const again = await ada.post({ title: "old again", key: "old-1" });
    assert.equal(again.title, "old again", "its key is free");
    const { reply } = await ada.reply(again.id, { message: "other", key: "reply-1" });
    assert.equal(reply!.message, "other", "so is that of a reply");

    const both = { ...long, statuses: ["waiting", "active"] } as const;
    assert.equal((await ada.prune(both)).pruned, 2);
    assert.deepEqual(await titles(ada.list()), ["old again", "young plan"]);
    for (const statuses of [[], ["done" as never], "resolved" as never]) {
      await assert.rejects(ada.prune({ statuses }), { code: "invalid_argument" });
    }
  },
);

storeTest(
  "board prune goes through long threads, many words and many members in portions",
  async (bench) => {
    const ada = new Board(bench.as("ada"));
    const rare = (n: number) => Array.from({ length: 6000 }, (_, i) => `w${n}x${i}`).join(" ");
    for (let n = 0; n < 3; n++) {
      const { id } = await ada.post({ title: `t${n}`, message: n === 1 ? rare(n) : "" });
      await Promise.all(Array.from({ length: 450 }, (_, i) => {
        const message = i % 100 === 50 ? rare(i) : `reply${i} to @eve`;
        return new Board(bench.as(`member-${n}-${i}`)).reply(id, { message });
      }));
      await ada.resolve(id);
    }
    const kept = await ada.post({ title: "kept w50x17" });
    bench.clock.advance(40 * DAY_MS);
    assert.equal((await ada.prune({ olderThanMs: DAY_MS, dryRun: true })).pruned, 3);
    assert.equal((await ada.prune({ olderThanMs: DAY_MS })).pruned, 3);
    assert.deepEqual((await ada.list()).threads.map(({ id }) => id), [kept.id]);
    assert.deepEqual((await ada.search("w50x17")).threads.map(({ id }) => id), [kept.id]);
    for (const word of ["reply7", "w1x5999", "w350x0"]) {
      assert.deepEqual((await ada.search(word)).threads, [], word);
    }
    for (const name of ["eve", "member-0-3", "ada"]) {
      assert.deepEqual(await new Board(bench.as(name)).inbox(), [], name);
    }
  },
);

storeTest(
  "board prune takes a long thread out of sight with its first portion, and the next prune ends what was begun",
  async (bench) => {
    const ada = new Board(bench.as("ada"));
    const events = new Events(bench.as());
    const { id } = await ada.post({
      title: "plan",
      tags: ["x"],
      key: "key-1",
      priority: "high",
    });
    for (let n = 0; n < 450; n++) {
      await new Board(bench.as(`m${n % 7}`)).reply(id, { message: `word${n}`, key: `reply-${n}` });
    }
    await ada.resolve(id);
    const young = await ada.post({ title: "young plan", tags: ["x"] });
    bench.clock.advance(1000);
    await ada.reply(young.id, { message: "still here" });
    await ada.resolve(young.id);
    const steps = await bench.store.board();
    const actor = { name: "ada", host: "test-host" };
    const request = { statuses: ["resolved"], olderThanMs: 500, dryRun: false } as const;
    // One portion, and then the process is gone.
    const first = await steps.prune(actor, { ...request, after: 0 });
    assert.deepEqual([first.pruned, first.next === undefined], [1, false]);

    const gone = { code: "not_found" };
    await assert.rejects(ada.show(id), gone);
    await assert.rejects(ada.reply(id, { message: "wait" }), gone);
    await assert.rejects(ada.reply(id, { message: "word449", key: "reply-449" }), gone);
    await assert.rejects(ada.resolve(id), gone);
    assert.equal(await ada.get(id), undefined);
    const titles = async (page: ReturnType<Board["list"]>) =>
      (await page).threads.map(({ title }) => title);
    for (const limit of [1, 100]) {
      assert.deepEqual(await titles(ada.list({ limit })), ["young plan"]);
      assert.deepEqual(await titles(ada.list({ tags: ["x"], limit })), ["young plan"]);
      assert.deepEqual(await titles(ada.list({ status: "resolved", limit })), ["young plan"]);
      assert.deepEqual(await titles(ada.search("plan", { limit })), ["young plan"]);
      assert.deepEqual(await titles(ada.search("word449", { limit })), []);
    }
    assert.deepEqual(await ada.counts(), { active: 0, waiting: 0, resolved: 1 });
    assert.equal((await ada.prune({ olderThanMs: 500, dryRun: true })).pruned, 0);
    const next = await ada.post({ title: "again", key: "key-1" });
    assert.equal(next.title, "again", "its key is free");
    const { reply } = await ada.reply(next.id, { message: "anew", key: "reply-449" });
    assert.equal(reply!.message, "anew", "so is that of a reply");

    // It counts once, and whichever statuses the next prune is asked for.
    assert.equal((await ada.prune({ olderThanMs: 500, statuses: ["waiting"] })).pruned, 0);
    const said = (await events.list({ type: "thread.pruned" })).events;
    assert.deepEqual(said.map(({ data }) => data?.count), [1]);
    for (let n = 0; n < 7; n++) {
      assert.deepEqual(await new Board(bench.as(`m${n}`)).inbox(), [], `m${n}`);
    }
    assert.deepEqual(
      (await ada.reply(next.id, { message: "anew", key: "reply-449" })).reply,
      reply,
      "the key of the newer reply is kept",
    );
    assert.deepEqual((await ada.show(young.id)).replies?.map(({ message }) => message), [
      "still here",
    ]);
  },
);

storeTest("board inbox goes on after the newest message of all was removed", async (bench) => {
  const [ada, bob] = [new Board(bench.as("ada")), new Board(bench.as("bob"))];
  const kept = await ada.post({ title: "kept", to: ["bob"] });
  const newest = await ada.post({ title: "newest", to: ["bob"] });
  await ada.resolve(newest.id);
  bench.clock.advance(1000);
  assert.equal((await ada.prune({ olderThanMs: 0 })).pruned, 1);
  assert.deepEqual((await bob.inbox()).map(({ threadId }) => threadId), [kept.id]);
  await bob.ack();
  assert.deepEqual(await bob.inbox(), []);
  await ada.post({ title: "alarm", priority: "high" });
  assert.deepEqual((await bob.inbox()).map(({ title }) => title), ["alarm"]);
});

storeTest("board prune leaves a thread alone that is answered at the same time", async (bench) => {
  const [ada, bob] = [new Board(bench.as("ada")), new Board(bench.as("bob"))];
  const { id } = await ada.post({ title: "t" });
  await ada.resolve(id);
  bench.clock.advance(1000);
  const [{ pruned }, answered] = await Promise.all([
    ada.prune({ olderThanMs: 0 }),
    bob.reply(id, { message: "wait" }).catch(({ code }) => code),
  ]);
  if (pruned === 0) assert.equal((await ada.show(id)).replies?.[0]?.message, "wait");
  else assert.equal(answered, "not_found");
  assert.deepEqual(await ada.counts(), { active: 1 - pruned, waiting: 0, resolved: 0 });
});

/** Posts of 22 agents that name others, read by one of them; resolved and removed. */
async function removeThread(as: (name: string) => Board, clock: TestClock): Promise<void> {
  const names = Array.from({ length: 20 }, (_, n) => `agent-${n}`);
  const options = { priority: "high", tags: ["x"], to: ["bob"], key: "k" } as const;
  const { id } = await as("ada").post({ title: "Tür @bob", message: "größer", ...options });
  for (const name of names) await as(name).reply(id, { message: `${name} @cat` });
  await as(names[3]!).inbox({ ack: true });
  await as("ada").reply(id, { message: "more", key: "l" });
  await as("ada").resolve(id);
  clock.advance(1000);
  assert.equal((await as("ada").prune({ olderThanMs: 0 })).pruned, 1);
}

function boards(store: Store, clock: TestClock): (name: string) => Board {
  return (name) => new Board(contextOn(store, clock, name));
}

Deno.test({
  name: "board prune leaves nothing of a thread behind on a server",
  ignore: !hasRedis(),
}, async () => {
  const { url, port } = await sharedRedis();
  await using client = await resp(port);
  const namespace = freshNamespace();
  const clock = new TestClock();
  const store = await RedisStore.open(url, { namespace, nowMs: clock.nowMs });
  try {
    await removeThread(boards(store, clock), clock);
    const contents = await contentsOf(client, namespace);
    for (const name of ["agents", "seen", "events", "state", "inbox_cursors"]) {
      delete contents[name];
    }
    assert.deepEqual(contents, {});
  } finally {
    await store.close();
  }
});

Deno.test("board prune leaves nothing of a thread behind in a directory", async () => {
  const directory = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
  const clock = new TestClock();
  const options = { namespace: "default", durability: "normal", clock } as const;
  const store = await DirectoryStore.open(directory, options);
  try {
    await removeThread(boards(store, clock), clock);
    await store.close();
    using database = new DatabaseSync(`${directory}/namespaces/default/store.db`);
    // The vocabulary is what the index of words holds.
    database.exec("CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab(main, board_words, row)");
    const tables = ["threads", "thread_facets", "messages", "inbox", "thread_members"];
    const left = [...tables, "vocabulary"].filter((table) =>
      database.prepare(`SELECT 1 FROM ${table} LIMIT 1`).get() !== undefined
    );
    assert.deepEqual(left, []);
    database.exec("INSERT INTO board_words (board_words) VALUES ('integrity-check')");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("length of time that prune is given stays as it is while the clock goes on", () => {
  const { now } = Date;
  let nowMs = 1_700_000_000_000;
  Date.now = () => nowMs++;
  try {
    assert.equal(olderThan("--before")("1s"), 1000);
  } finally {
    Date.now = now;
  }
});

Deno.test("prune commands say what they would remove, and refuse what is no time", async () => {
  await withProject(async (dir) => {
    const env = { AGENTCOORD_AGENT: "ada" };
    await cli(dir, ["task", "add", "t"], { env });
    const dry = await cli(dir, ["task", "prune", "--before", "30d", "--dry-run"], { env });
    assert.match(dry.stdout, /^Would remove 0 tasks that ended over 30d ago/);
    const threads = await cli(dir, ["board", "prune", "--dry-run"], { env });
    assert.match(threads.stdout, /^Would remove 0 threads that last changed over 30d ago/);
    const { document } = await cliJson(dir, ["approval", "prune"], { env });
    assert.deepEqual([document.data.pruned, document.data.dryRun], [0, false]);
    for (const bad of ["soon", "-1d", "2999-01-01"]) {
      const { code, stderr } = await cli(dir, ["task", "prune", `--before=${bad}`], { env });
      assert.equal(code, 2, stderr);
      assert.match(stderr, /--before/);
    }
    const status = await cli(dir, ["task", "prune", "--status", "pending"], { env });
    assert.equal(status.code, 2, status.stderr);
  });
});
