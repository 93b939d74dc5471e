import assert from "node:assert/strict";
import { Board, type Thread } from "../../src/board/board.ts";
import { InvalidArgumentError, NotFoundError } from "../../src/errors.ts";
import { Events } from "../../src/event/event.ts";
import { type Bench, storeTest } from "../../dev/stores.ts";

const UNKNOWN = ["thr_00000000000000000000000000", "nonsense", ""];

function boards({ as }: Bench) {
  return {
    ada: new Board(as("ada")),
    bob: new Board(as("bob")),
    cy: new Board(as("cy")),
    watcher: new Board(as()),
  };
}

const titles = (threads: readonly Thread[]) => threads.map(({ title }) => title);

storeTest("board post opens a thread that list and show give back", async (bench) => {
  const { ada, watcher } = boards(bench);
  const thread = await ada.post({
    title: "Build is red",
    message: "since noon\n\tsee log",
    priority: "low",
    tags: ["ci", "ci", "linux"],
    to: ["bob", "ada", "bob"],
  });
  assert.match(thread.id, /^thr_[0-9A-Z]{26}$/);
  assert.deepEqual(thread, {
    id: thread.id,
    title: "Build is red",
    message: "since noon\n\tsee log",
    author: "ada",
    priority: "low",
    tags: ["ci", "linux"],
    to: ["bob", "ada"],
    status: "active",
    replyCount: 0,
    createdAtMs: bench.clock.nowMs(),
    updatedAtMs: bench.clock.nowMs(),
  });
  assert.deepEqual(await watcher.list(), { threads: [thread] });
  assert.deepEqual(await watcher.show(thread.id), { ...thread, replies: [] });
  assert.deepEqual(await watcher.get(thread.id), thread);
});

storeTest("board reply is appended in order and counted", async (bench) => {
  const { ada, bob, watcher } = boards(bench);
  const { id, createdAtMs } = await ada.post({ title: "t" });
  bench.clock.advance(1000);
  const first = await bob.reply(id, { message: "one", to: ["cy"] });
  bench.clock.advance(1000);
  const second = await ada.reply(id, { message: "two" });
  assert.deepEqual(first.reply, {
    id: first.reply!.id,
    author: "bob",
    message: "one",
    to: ["cy"],
    atMs: createdAtMs + 1000,
  });
  assert.equal(second.replyCount, 2);
  assert.equal(second.replies, undefined);
  const shown = await watcher.show(id);
  assert.deepEqual(shown.replies, [first.reply, second.reply]);
  assert.equal(shown.updatedAtMs, createdAtMs + 2000);
  assert.equal((await watcher.list()).threads[0]?.replies, undefined);
});

storeTest("board keeps every reply of many that post at once", async (bench) => {
  const { ada, bob, cy } = boards(bench);
  const { id } = await ada.post({ title: "t" });
  const sent = await Promise.all(
    Array.from({ length: 120 }, (_, i) => [ada, bob, cy][i % 3]!.reply(id, { message: `m${i}` })),
  );
  const { replies, replyCount } = await ada.show(id);
  assert.equal(replyCount, 120);
  assert.deepEqual(
    new Set(replies!.map((reply) => reply.id)),
    new Set(sent.map(({ reply }) => reply!.id)),
  );
});

storeTest("board status follows replies and resolving", async (bench) => {
  const { ada, bob, watcher } = boards(bench);
  const { id } = await ada.post({ title: "t" });
  const statusAfter = async (call: Promise<Thread>) => {
    const { status } = await call;
    assert.equal((await watcher.get(id))?.status, status);
    assert.deepEqual((await watcher.list({ status })).threads.length, 1);
    const counts = await watcher.counts();
    assert.deepEqual(counts, { active: 0, waiting: 0, resolved: 0, [status]: 1 });
    return status;
  };
  assert.equal(
    await statusAfter(bob.reply(id, { message: "which?", status: "waiting" })),
    "waiting",
  );
  assert.equal(await statusAfter(bob.reply(id, { message: "well?" })), "waiting");
  assert.equal(await statusAfter(ada.reply(id, { message: "b", status: "active" })), "active");
  assert.equal(await statusAfter(bob.resolve(id)), "resolved");
  assert.equal(await statusAfter(ada.resolve(id)), "resolved");
  assert.equal(await statusAfter(ada.reply(id, { message: "still there" })), "active");
  const resolved = await ada.resolve(id, { message: "fixed" });
  assert.equal(resolved.reply?.message, "fixed");
  assert.equal(await statusAfter(ada.resolve(id, { message: "really" })), "resolved");
  assert.equal((await watcher.get(id))?.replyCount, 6);
  const { events } = await new Events(bench.as()).list();
  assert.deepEqual(
    events.map(({ type }) => type).filter((type) => type.startsWith("thread.")),
    [
      "thread.posted",
      "thread.replied",
      "thread.replied",
      "thread.replied",
      "thread.resolved",
      "thread.replied",
      "thread.replied",
      "thread.resolved",
      "thread.replied",
    ],
  );
});

storeTest("board post and reply under a key used before happen once", async (bench) => {
  const { ada, bob } = boards(bench);
  const thread = await ada.post({ title: "t", key: "k" });
  assert.deepEqual(await ada.post({ title: "other", key: "k" }), thread);
  const replied = await bob.reply(thread.id, { message: "m", key: "k" });
  assert.deepEqual(await bob.reply(thread.id, { message: "other", key: "k" }), replied);
  const other = await ada.post({ title: "u" });
  assert.deepEqual(await bob.reply(other.id, { message: "m", key: "k" }), replied);
  assert.equal((await ada.show(thread.id)).replies?.length, 1);
  assert.equal((await ada.list()).threads.length, 2);
});

storeTest("board operations repeated with the same identifier happen once", async (bench) => {
  const actor = bench.as("ada").actor!;
  const store = await bench.store.board();
  const message = (id: string) => ({ id, message: "m", to: [], recipients: [], words: ["m"] });
  const draft = {
    id: "thr_00000000000000000000000001",
    title: "t",
    priority: "normal" as const,
    tags: [],
    opening: message("msg_00000000000000000000000001"),
  };
  const thread = await store.post(actor, draft);
  assert.deepEqual(await store.post(actor, draft), thread);
  const reply = { ...message("msg_00000000000000000000000002"), threadId: thread.id };
  const replied = await store.reply(actor, reply);
  assert.deepEqual(await store.reply(actor, reply), replied);
  assert.equal(replied?.replyCount, 1);
  assert.deepEqual(await store.counts(), { active: 1, waiting: 0, resolved: 0 });
});

storeTest("board calls on threads that do not exist are not found", async (bench) => {
  const { ada, watcher } = boards(bench);
  for (const id of UNKNOWN) {
    const calls = [
      ada.reply(id, { message: "m" }),
      ada.resolve(id),
      ada.resolve(id, { message: "m" }),
      watcher.show(id),
    ];
    await Promise.all(calls.map((call) => assert.rejects(call, NotFoundError)));
    assert.equal(await watcher.get(id), undefined);
  }
  for (const upTo of ["msg_00000000000000000000000000", "", 7 as unknown as string]) {
    await assert.rejects(ada.ack({ upTo }), NotFoundError);
  }
});

storeTest("board refuses bad input and writes nothing", async (bench) => {
  const { ada, watcher } = boards(bench);
  const bad = [
    { title: "" },
    { title: "two\nlines" },
    { title: "x".repeat(513) },
    { title: "t", message: "x".repeat(64 * 1024 + 1) },
    { title: "t", message: "\u001b[2J" },
    { title: "t", priority: "urgent" as "high" },
    { title: "t", tags: ["two words"] },
    { title: "t", tags: Array.from({ length: 33 }, (_, i) => `t${i}`) },
    { title: "t", to: ["b ob"] },
    { title: "t", to: "bob" as unknown as string[] },
    { title: "t", to: Array.from({ length: 101 }, (_, i) => `a${i}`) },
    { title: "t", message: Array.from({ length: 101 }, (_, i) => `@a${i}`).join(" ") },
    { title: "t", key: "" },
  ];
  for (const options of bad) {
    await assert.rejects(ada.post(options), InvalidArgumentError, JSON.stringify(options));
  }
  await assert.rejects(watcher.post({ title: "t" }), /No acting agent/);
  await assert.rejects(watcher.inbox(), /No acting agent/);
  assert.deepEqual(await ada.list(), { threads: [] });
  const { id } = await ada.post({ title: "t" });
  await assert.rejects(ada.reply(id, { message: "" }), InvalidArgumentError);
  await assert.rejects(
    ada.reply(id, { message: "m", status: "resolved" as "active" }),
    /use active or waiting/,
  );
  await assert.rejects(watcher.reply(id, { message: "m" }), /No acting agent/);
  await assert.rejects(watcher.resolve(id), /No acting agent/);
  await assert.rejects(ada.list({ limit: 1001 }), InvalidArgumentError);
  await assert.rejects(ada.list({ cursor: "thr_nothing" }), InvalidArgumentError);
  await assert.rejects(ada.search("a", { cursor: "thr_nothing" }), InvalidArgumentError);
  await assert.rejects(ada.show(id, { cursor: "msg_nothing" }), InvalidArgumentError);
  assert.equal((await ada.show(id)).replyCount, 0);
});

storeTest("board list filters by status, author and tags, and pages", async (bench) => {
  const { ada, bob, watcher } = boards(bench);
  for (let i = 0; i < 12; i++) {
    const tags = ["even", "third", "all"].filter((tag) =>
      tag === "all" || (tag === "even" && i % 2 === 0) || (tag === "third" && i % 3 === 0)
    );
    const { id } = await (i % 4 ? ada : bob).post({ title: `${i}`, tags });
    if (i > 8) await ada.resolve(id);
  }
  const all = async (options: Parameters<Board["list"]>[0]) => {
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await watcher.list({ ...options, limit: 2, ...(cursor ? { cursor } : {}) });
      found.push(...titles(page.threads));
      cursor = page.nextCursor;
      if (cursor !== undefined) assert.equal(page.threads.length, 2);
    } while (cursor !== undefined);
    return found.join(" ");
  };
  assert.equal(await all({}), "11 10 9 8 7 6 5 4 3 2 1 0");
  assert.equal(await all({ status: "resolved" }), "11 10 9");
  assert.equal(await all({ author: "bob" }), "8 4 0");
  assert.equal(await all({ tags: ["even"] }), "10 8 6 4 2 0");
  assert.equal(await all({ tags: ["even", "third"] }), "6 0");
  assert.equal(await all({ tags: ["third"], status: "active" }), "6 3 0");
  assert.equal(await all({ tags: ["third", "all"], status: "resolved", author: "ada" }), "9");
  assert.equal(await all({ tags: ["none"] }), "");
});

storeTest("board show gives the newest replies and pages back", async (bench) => {
  const { ada } = boards(bench);
  const { id } = await ada.post({ title: "t" });
  for (let i = 0; i < 5; i++) await ada.reply(id, { message: `${i}` });
  const texts = ({ replies }: Thread) => replies!.map(({ message }) => message).join("");
  const last = await ada.show(id, { limit: 2 });
  assert.equal(texts(last), "34");
  assert.equal(last.replyCount, 5);
  assert.equal(texts(await ada.show(id, { limit: 2, cursor: last.replies![0]!.id })), "12");
});
