/**
 * Threads, messages and what was read on their way from a directory that stood in into Redis.
 * @module
 */
import assert from "node:assert/strict";
import { contextOn } from "../../dev/room_context.ts";
import { freshNamespace, hasRedis, sharedRedis } from "../../dev/redis_server.ts";
import { TestClock } from "../../dev/stores.ts";
import { Board, type Thread } from "../../src/board/board.ts";
import { DirectoryBoard } from "../../src/board/directory/store.ts";
import { DirectoryBoardTransfer } from "../../src/board/directory/transfer.ts";
import { draftMessage } from "../../src/board/draft.ts";
import { RedisBoard } from "../../src/board/redis/store.ts";
import { RedisBoardTransfer } from "../../src/board/redis/transfer.ts";
import type { BoardStore } from "../../src/board/store.ts";
import type { ThreadRecord } from "../../src/board/transfer.ts";
import { DirectoryEngine } from "../../src/engine/directory/engine.ts";
import { RedisConnection } from "../../src/engine/redis/connection.ts";
import { ScriptRunner } from "../../src/engine/redis/script_runner.ts";
import type { Waker } from "../../src/engine/waker.ts";
import { OUTAGE_SCHEMA } from "../../src/open/failover/schema.ts";
import { PREAMBLE } from "../../src/open/preamble.ts";
import type { Store } from "../../src/store.ts";
import type { TransferConflict } from "../../src/transfer.ts";

const PORTION = { records: 500, bytes: 1 << 20 };
const DAY_MS = 86_400_000;
const AGENTS = ["ada", "bob", "cy", "dan"];

interface Side {
  readonly as: (agent: string) => Board;
  readonly room: BoardStore;
}

interface Bench {
  readonly clock: TestClock;
  readonly directory: Side;
  readonly redis: Side;
  readonly source: DirectoryBoardTransfer;
  readonly target: RedisBoardTransfer;
  /** Of whom waits on Redis. */
  readonly waker: () => Promise<Waker>;
  /** How many entries Redis has of each kind of the board. */
  readonly sizes: () => Promise<Record<string, number>>;
  /** Tells Redis all that has changed, in portions; answers how many there were, and what was told. */
  readonly move: (limit?: typeof PORTION) => Promise<
    { conflicts: TransferConflict[]; portions: number; records: ThreadRecord[] }
  >;
}

const actor = (name: string) => ({ name, host: "test-host" });

function transferTest(name: string, body: (bench: Bench) => Promise<void>): void {
  Deno.test({ name, ignore: !hasRedis() }, async () => {
    await using closing = new AsyncDisposableStack();
    const clock = new TestClock();
    const home = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
    closing.defer(() => Deno.remove(home, { recursive: true }));
    const schema = { schema: OUTAGE_SCHEMA, preamble: PREAMBLE };
    const engine = await DirectoryEngine.open(home, { ...schema, durability: "normal", clock });
    closing.defer(() => engine.close());
    const connection = await RedisConnection.open((await sharedRedis()).url);
    closing.defer(() => connection.close());
    const runner = new ScriptRunner(connection, {
      namespace: freshNamespace(),
      nowMs: clock.nowMs,
    });
    closing.defer(() => runner.close());
    const sideOf = (room: BoardStore): Side => {
      const store = { board: () => Promise.resolve(room) } as unknown as Store;
      return { as: (agent) => new Board(contextOn(store, clock, agent)), room };
    };
    const source = new DirectoryBoardTransfer(engine);
    const target = new RedisBoardTransfer(runner);
    const move: Bench["move"] = async (limit = PORTION) => {
      const conflicts: TransferConflict[] = [];
      const records: ThreadRecord[] = [];
      for (let portions = 1;; portions++) {
        const portion = await source.changed(limit);
        records.push(...portion.records);
        conflicts.push(...await target.take(portion.records));
        await source.settle(portion.keys);
        if (!portion.more) return { conflicts, portions, records };
      }
    };
    const sizes = async () => {
      const size: Record<string, number> = {};
      for (const key of ["threads", "messages", "board_ids"]) {
        size[key] = Number(await connection.client.call("HLEN", `${runner.prefix}${key}`));
      }
      for (const key of ["board_lists", "thread_parts", "board_words", "board_removing"]) {
        size[key] = Number(await connection.client.call("ZCARD", `${runner.prefix}${key}`));
      }
      return size;
    };
    const directory = sideOf(new DirectoryBoard(engine));
    const redis = sideOf(new RedisBoard(runner));
    for (const side of [directory, redis]) {
      for (const name of AGENTS) await side.as(name).inbox();
    }
    clock.advance(1000);
    const waker = () => runner.waker();
    await body({ clock, directory, redis, source, target, waker, sizes, move });
  });
}

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

async function assertSame({ directory, redis }: Bench, { inboxes = true } = {}) {
  const both = async (look: (side: Side) => Promise<unknown>) =>
    assert.deepEqual(await look(redis), await look(directory));
  await both(({ as }) => as("ada").list());
  await both(({ as }) => as("ada").counts());
  for (const status of ["active", "waiting", "resolved"] as const) {
    await both(({ as }) => as("ada").list({ status }));
  }
  for (const tag of ["ci", "db"]) await both(({ as }) => as("ada").list({ tags: [tag] }));
  for (const author of AGENTS) await both(({ as }) => as("ada").list({ author }));
  for (const text of ["cafe one", "answer", "second", "urgent", "done", "nowhere"]) {
    await both(({ as }) => as("ada").search(text));
  }
  for (const { id } of (await directory.as("ada").list()).threads) {
    await both(({ as }) => as("ada").show(id));
  }
  for (const name of inboxes ? AGENTS : []) await both(({ as }) => as(name).inbox());
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
  const { clock, directory, redis, move, sizes } = bench;
  const empty = await sizes();
  const threads = await conversation(bench);
  await move();
  clock.advance(DAY_MS);
  assert.equal((await directory.as("bob").prune({ olderThanMs: 1 })).pruned, 1);
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
    await directory.as("cy").inbox({ ack: true });
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
    const unread = (await redis.as("ada").inbox()).map(({ message }) => message);
    assert.deepEqual(unread, ["answer", "alone here"]);
    assert.deepEqual(await redis.as("ada").counts(), { active: 0, waiting: 0, resolved: 1 });
    assert.equal((await sizes()).messages, 3);
    assert.equal((await sizes()).board_lists, 4, "status, author, tag and priority");
  },
);
