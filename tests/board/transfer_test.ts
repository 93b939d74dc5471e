/**
 * Threads, messages and what was read on their way from a directory that stood in into Redis.
 * @module
 */
import assert from "node:assert/strict";
import type { Board, Thread } from "../../src/board/board.ts";
import { draftMessage } from "../../src/board/draft.ts";
import {
  actor,
  AGENTS,
  assertSame,
  type Bench,
  PORTION,
  transferTest,
} from "../support/board_transfer.ts";

const DAY_MS = 86_400_000;

/** Threads in each status, with replies of several agents, some of which were read. */
async function conversation({ directory, clock }: Bench): Promise<Thread[]> {
  const [ada, bob, cy] = ["ada", "bob", "cy"].map((name) => directory.as(name)) as [
    Board,
    Board,
    Board,
  ];
  const one = await ada.post({
    title: 'Café "one"',
    message: "read me @bob\n/",
    to: ["cy"],
    tags: ["ci", "db"],
    key: "one",
  });
  clock.advance(1);
  const two = await bob.post({ title: "two", priority: "high", tags: ["ci"] });
  clock.advance(1);
  await bob.reply(one.id, { message: "first answer", key: "answer" });
  await cy.reply(two.id, { message: "seen @ada" });
  await cy.inbox({ ack: true });
  clock.advance(1);
  await ada.reply(one.id, { message: "second answer", status: "waiting" });
  const three = await cy.post({ title: "three", message: "urgent", priority: "high" });
  await cy.resolve(two.id, { message: "done" });
  await bob.inbox({ ack: true, limit: 1 });
  clock.advance(1);
  return [one, two, three];
}

transferTest(
  "board that moved is listed, found, counted and read as where it was",
  async (bench) => {
    const { directory, redis, move, source, target, sizes } = bench;
    const [one] = await conversation(bench);
    assert.deepEqual((await move()).conflicts, []);
    assert.deepEqual(await source.changed(PORTION), { records: [], keys: [], more: false });
    assert.ok((await directory.as("ada").inbox()).length > 0);
    await assertSame(bench);
    const before = await sizes();
    assert.equal(before.messages, 7);
    await source.markAll();
    const told = await move();
    for (let times = 0; times < 2; times++) {
      assert.deepEqual(await target.take(told.records), []);
      await assertSame(bench);
      assert.deepEqual(await sizes(), before);
    }
    const again = await redis.as("ada").post({ title: "other", key: "one" });
    assert.equal(again.id, one!.id, "the key leads to it");
    const reply = await redis.as("bob").reply(one!.id, { message: "other", key: "answer" });
    assert.equal(reply.reply?.message, "first answer");
    const next = await redis.as("dan").post({ title: "next" });
    assert.equal((await redis.as("ada").list()).threads[0]!.id, next.id);
  },
);

transferTest("messages that are acknowledged after they moved are the same ones", async (bench) => {
  const { directory, redis, move } = bench;
  await conversation(bench);
  await move();
  for (const name of AGENTS) {
    const unread = await redis.as(name).inbox();
    const last = unread[Math.floor(unread.length / 2)];
    for (const side of last === undefined ? [] : [directory, redis]) {
      await side.as(name).ack({ upTo: last!.id });
    }
  }
  await assertSame(bench);
  await directory.as("bob").reply((await directory.as("bob").list()).threads[2]!.id, {
    message: "third answer @dan",
  });
  await directory.as("ada").inbox({ ack: true });
  assert.deepEqual((await move()).conflicts, []);
  await assertSame(bench);
  for (const side of [directory, redis]) for (const name of AGENTS) await side.as(name).ack();
  assert.deepEqual(await redis.as("dan").inbox(), []);
  await assertSame(bench);
});

transferTest("what was unread in Redis before stays unread", async (bench) => {
  const { clock, directory, redis, move } = bench;
  await redis.as("dan").post({ title: "before", message: "for @bob" });
  await redis.as("dan").post({ title: "before, urgent", priority: "high" });
  clock.advance(10);
  await directory.as("dan").post({ title: "after, urgent", priority: "high" });
  clock.advance(10);
  for (const name of ["bob", "ada"]) await directory.as(name).inbox({ ack: true });
  await redis.as("ada").ack();
  await move();
  const titles = async (name: string) =>
    (await redis.as(name).inbox()).map(({ title, reason }) => `${title}: ${reason}`);
  // One instant says which urgent threads have been read: the later one is seen again.
  assert.deepEqual(await titles("bob"), [
    "before: mention",
    "before, urgent: high_priority",
    "after, urgent: high_priority",
  ]);
  assert.deepEqual(await titles("ada"), []);
  assert.deepEqual(await titles("cy"), [
    "before, urgent: high_priority",
    "after, urgent: high_priority",
  ]);
});

transferTest(
  "who waits for a message hears of one that moved",
  async ({ directory, redis, move, waker }) => {
    const waiting = await waker();
    for (const post of [{ to: ["ada"] }, { priority: "high" as const }]) {
      await redis.as("ada").ack();
      await redis.room.inbox(actor("ada"), { limit: 1, ack: false, waits: true });
      const { wakes } = waiting;
      await directory.as("bob").post({ title: "hello", ...post });
      await move();
      await waiting.wait(wakes, 10_000);
      assert.equal(waiting.wakes, wakes + 1);
      assert.equal((await redis.as("ada").inbox({ ack: true })).length, 1);
    }
  },
);

transferTest("threads that were removed are removed where they went, too", async (bench) => {
  const { clock, directory, redis, move, source, sizes } = bench;
  const empty = await sizes();
  const threads = await conversation(bench);
  await move();
  clock.advance(DAY_MS);
  assert.equal((await directory.as("bob").prune({ olderThanMs: 1 })).pruned, 1);
  // A server that got an older memory back still has them.
  await source.markAll();
  assert.deepEqual((await move()).conflicts, []);
  await assertSame(bench);
  assert.equal((await sizes()).board_removing, 0);
  const statuses = ["active", "waiting"] as const;
  assert.equal((await redis.as("bob").prune({ olderThanMs: 1, statuses })).pruned, 2);
  assert.deepEqual(await sizes(), empty);
  assert.equal(await redis.as("ada").get(threads[0]!.id), undefined);
});

transferTest("thousands of messages move in portions, long threads too", async (bench) => {
  const { clock, directory, redis, move } = bench;
  const { id } = await directory.as("ada").post({ title: "long" });
  const reply = (index: number) =>
    directory.room.reply(actor(AGENTS[index % 4]!), {
      threadId: id,
      ...draftMessage({ message: `line ${index}` }, { author: AGENTS[index % 4]! }),
    });
  for (let first = 0; first < 3000; first += 500) {
    clock.advance(1);
    await Promise.all(Array.from({ length: 500 }, (_, index) => reply(first + index)));
    await directory.as("bob").post({ title: `beside ${first}` });
  }
  const { conflicts, portions } = await move();
  assert.deepEqual(conflicts, []);
  assert.equal(portions, 7 + 1 + 1, "messages, threads, cursors");
  assert.equal((await redis.as("ada").show(id)).replyCount, 3000);
  await assertSame(bench);
  assert.equal((await redis.as("ada").search("line 2999")).threads.length, 1);
});

transferTest("messages that are long move in portions of their own", async (bench) => {
  const { directory, move } = bench;
  const { id } = await directory.as("ada").post({ title: "long" });
  for (let n = 0; n < 3; n++) await directory.as("ada").reply(id, { message: "d".repeat(700) });
  const { portions } = await move({ records: 500, bytes: 1000 });
  assert.ok(portions >= 4, `${portions}`);
  await assertSame(bench);
});

transferTest("thread and reply whose keys are known already move without them", async (bench) => {
  const { directory, redis, move, source } = bench;
  const theirs = await redis.as("cy").post({ title: "theirs", key: "same" });
  const { reply } = await redis.as("cy").reply(theirs.id, { message: "theirs", key: "same" });
  const ours = await directory.as("ada").post({ title: "ours", key: "same" });
  const answer = await directory.as("ada").reply(ours.id, { message: "ours", key: "same" });
  for (let times = 0; times < 2; times++) {
    await source.markAll();
    assert.deepEqual((await move()).conflicts, [{
      kind: "thread",
      subject: ours.id,
      outcome: `taken over without its idempotency key, which ${theirs.id} has`,
    }, {
      kind: "thread",
      subject: answer.reply!.id,
      outcome: `taken over without its idempotency key, which ${reply!.id} has`,
    }]);
    const { replies } = await redis.as("ada").show(ours.id);
    assert.deepEqual(replies, (await directory.as("ada").show(ours.id)).replies);
    assert.equal((await redis.as("ada").post({ title: "x", key: "same" })).id, theirs.id);
  }
});

transferTest(
  "thread that Redis has executed late becomes as told, and keeps what else it has",
  async (bench) => {
    const { clock, directory, redis, move, sizes } = bench;
    const opening = draftMessage({ message: "once @cy" }, { author: "ada", title: "late" });
    const draft = {
      id: `thr_${"0".repeat(26)}`,
      title: "late",
      priority: "high",
      tags: ["ci"],
      opening,
    } as const;
    const answer = {
      threadId: draft.id,
      ...draftMessage({ message: "answer" }, { author: "bob" }),
    };
    await directory.room.post(actor("ada"), draft);
    await directory.room.reply(actor("bob"), answer);
    await directory.room.resolve(actor("bob"), draft.id);
    for (const name of ["cy", "ada"]) await directory.as(name).inbox({ ack: true });
    const told = await directory.as("ada").show(draft.id);
    clock.advance(1000);
    await redis.room.post(actor("ada"), draft);
    await redis.room.reply(actor("bob"), answer);
    const own = await redis.as("dan").reply(draft.id, { message: "alone here" });
    assert.deepEqual((await move()).conflicts, []);
    assert.deepEqual(await redis.as("ada").show(draft.id), {
      ...told,
      replyCount: 2,
      replies: [...told.replies!, own.reply],
    });
    assert.deepEqual(await redis.as("cy").inbox(), [], "read where it was told");
    const unread = async (name: string) =>
      (await redis.as(name).inbox()).map(({ message }) => message);
    // A thread has one mark for each agent: what comes before one that was not told is seen again.
    assert.deepEqual(await unread("ada"), ["answer", "alone here"]);
    assert.deepEqual(await unread("bob"), ["once @cy", "alone here"]);
    assert.deepEqual(await redis.as("ada").counts(), { active: 0, waiting: 0, resolved: 1 });
    assert.equal((await sizes()).messages, 3);
    assert.equal((await sizes()).board_lists, 4, "status, author, tag and priority");
  },
);
