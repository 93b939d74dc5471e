/**
 * One operation on the board does a bounded piece of work, however many members a thread has, and however much an agent
 * has not read.
 * @module
 */
import assert from "node:assert/strict";
import { Board } from "../../src/board/board.ts";
import { systemClock } from "../../src/clock.ts";
import { RedisStore } from "../../src/open/redis.ts";
import { type Executed, monitor } from "../../dev/redis_monitor.ts";
import {
  freshNamespace,
  hasRedis,
  resp,
  type RespClient,
  startRedis,
} from "../../dev/redis_server.ts";
import { storeTest } from "../../dev/stores.ts";
import { contextOn } from "../../dev/room_context.ts";

interface Site {
  readonly as: (name: string) => Board;
  /** How many commands each script executed that `act` led to. */
  readonly commands: (act: () => Promise<unknown>) => Promise<readonly number[]>;
  readonly client: RespClient;
  readonly namespace: string;
}

function redisTest(name: string, body: (site: Site) => Promise<void>): void {
  Deno.test({ name, ignore: !hasRedis() }, async () => {
    await using server = await startRedis();
    await using client = await resp(server.port);
    const namespace = freshNamespace();
    const store = await RedisStore.open(server.url, { namespace });
    const watch = await monitor(server);
    const commands: Site["commands"] = async (act) => {
      const before = (await watch.read()).length;
      await act();
      return perScript((await watch.read()).slice(before));
    };
    const as = (name: string) => new Board(contextOn(store, systemClock, name));
    try {
      await body({ as, commands, client, namespace });
    } finally {
      await watch.stop();
      await store.close();
    }
  });
}

function perScript(executed: readonly Executed[]): number[] {
  const counts: number[] = [];
  for (const { words, byScript } of executed) {
    if (byScript) counts[counts.length - 1]!++;
    else if (/^eval(?:sha)?$/i.test(words[0]!)) counts.push(0);
  }
  return counts;
}

/** Calls `act` for 0 to `count` - 1, many at a time. */
async function many(count: number, act: (n: number) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < count; from += 100) {
    await Promise.all(
      Array.from({ length: Math.min(100, count - from) }, (_, n) => act(from + n)),
    );
  }
}

redisTest("board reply marks all members of a thread with a few commands", async (site) => {
  const { id } = await site.as("ada").post({ title: "all hands" });
  await many(400, (n) => site.as(`m${n}`).reply(id, { message: `here ${n}` }));
  await many(400, (n) => site.as(`m${n}`).ack());
  const counts = await site.commands(() => site.as("ada").reply(id, { message: "thanks" }));
  assert.ok(Math.max(...counts) < 40, `executed ${counts}`);
  for (const n of [0, 399]) {
    assert.deepEqual((await site.as(`m${n}`).inbox()).map(({ message }) => message), ["thanks"]);
  }
});

redisTest("board inbox passes over urgent threads of its own only once", async (site) => {
  const [ada, bob] = [site.as("ada"), site.as("bob")];
  await many(640, (n) => ada.post({ title: `alarm ${n}`, priority: "high" }));
  await ada.inbox();
  const counts = await site.commands(() => ada.inbox());
  assert.ok(Math.max(...counts) < 15, `executed ${counts}`);
  await bob.post({ title: "fire", priority: "high" });
  await ada.post({ title: "mine", priority: "high" });
  await bob.post({ title: "water", priority: "high" });
  assert.deepEqual((await ada.inbox()).map(({ title }) => title), ["fire", "water"]);
});

storeTest("board inbox shows urgent threads of others after many of its own", async (bench) => {
  const [ada, bob] = [new Board(bench.as("ada")), new Board(bench.as("bob"))];
  const urgent = (board: Board, title: string) => board.post({ title, priority: "high" });
  const titles = async () => (await ada.inbox()).map(({ title }) => title);
  for (let n = 0; n < 140; n++) await urgent(ada, `${n}`);
  assert.deepEqual(await titles(), []);
  // At the same instant as the last of its own.
  await urgent(bob, "one");
  assert.deepEqual(await titles(), ["one"]);
  bench.clock.advance(1);
  for (let n = 0; n < 140; n++) await urgent(ada, `${n}`);
  const second = await urgent(bob, "two");
  assert.deepEqual(await titles(), ["one", "two"]);
  await ada.ack({ upTo: (await ada.inbox())[0]!.id });
  assert.deepEqual(await titles(), ["two"]);
  await ada.ack({ upTo: (await ada.inbox())[0]!.id });
  assert.deepEqual(await titles(), []);
  assert.equal(second.priority, "high");
});

redisTest(
  "board ack of many threads moves a bounded number of marks in one operation",
  async (site) => {
    const [zed, bob] = [site.as("zed"), site.as("bob")];
    const threads: string[] = [];
    await many(700, async (n) => threads[n] = (await zed.post({ title: `t${n}` })).id);
    await many(700, (n) => bob.reply(threads[n]!, { message: `re ${n}` }));
    const acked = await site.commands(() => zed.ack());
    assert.ok(Math.max(...acked) < 1500, `executed ${acked}`);
    // A thread that the ack has not come to yet gets an answer.
    await bob.reply(threads[699]!, { message: "more" });
    let unread: readonly { readonly message: string }[] = [];
    const looked = await site.commands(async () => unread = await zed.inbox());
    assert.deepEqual(unread.map(({ message }) => message), ["more"]);
    assert.ok(Math.max(...looked) < 1500, `executed ${looked}`);
    await bob.reply(threads[3]!, { message: "again" });
    assert.deepEqual((await zed.inbox()).map(({ message }) => message), ["more", "again"]);
  },
);

redisTest(
  "board ack of a long inbox removes a bounded number of messages in one operation",
  async (site) => {
    const { as, client, namespace } = site;
    await many(4500, (n) => as("ada").post({ title: `t${n}`, to: ["bob"] }));
    await as("bob").ack();
    const inbox = `{agentcoord:${namespace}}:inbox`;
    assert.equal(await client.command("ZCARD", inbox), 500, "the next look removes the rest");
    await as("ada").post({ title: "new", to: ["bob"] });
    assert.deepEqual((await as("bob").inbox()).map(({ title }) => title), ["new"]);
    assert.equal(await client.command("ZCARD", inbox), 1);
  },
);

storeTest("board inbox that counts as read ends after some long messages", async (bench) => {
  const [ada, bob] = [new Board(bench.as("ada")), new Board(bench.as("bob"))];
  const text = "long ".repeat(12_000);
  const numbers = Array.from({ length: 60 }, (_, n) => n);
  for (const n of numbers) await ada.post({ title: `${n}`, message: text, to: ["bob"] });
  const titles = (messages: readonly { readonly title: string }[]) =>
    messages.map(({ title }) => Number(title));
  assert.deepEqual(titles(await bob.inbox({ limit: 1000 })), numbers);
  const read: number[] = [];
  for (let calls = 0;; calls++) {
    const some = titles(await bob.inbox({ limit: 1000, ack: true }));
    assert.ok(some.length <= 40, `${some.length} messages of 60 kB in one operation`);
    if (some.length === 0) break;
    read.push(...some);
  }
  assert.deepEqual(read, numbers);
});

storeTest("board pages of a thousand are whole and in order", async (bench) => {
  const [ada, bob] = [new Board(bench.as("ada")), new Board(bench.as("bob"))];
  const numbers = Array.from({ length: 600 }, (_, n) => n);
  const { id } = await ada.post({ title: "thread" });
  for (const n of numbers) {
    const word = n % 2 ? "odd" : "even";
    await ada.post({ title: `${n}`, message: `${word} all`, to: ["bob"], tags: [word, "x"] });
    await ada.reply(id, { message: `${n}` });
  }
  const titles = (page: Awaited<ReturnType<Board["list"]>>) =>
    page.threads.map(({ title }) => Number(title));
  const newest = numbers.toReversed();
  const odd = newest.filter((n) => n % 2);
  assert.deepEqual(titles(await ada.list({ limit: 600 })), newest);
  assert.deepEqual(titles(await ada.list({ limit: 1000, tags: ["x", "odd"] })), odd);
  assert.deepEqual(titles(await ada.search("all odd", { limit: 1000 })), odd);
  const page = await ada.search("all", { limit: 500 });
  assert.deepEqual(titles(page), newest.slice(0, 500));
  const rest = await ada.search("all", { limit: 500, cursor: page.nextCursor! });
  assert.deepEqual([titles(rest), rest.nextCursor], [newest.slice(500), undefined]);
  const { replies } = await ada.show(id, { limit: 550 });
  assert.deepEqual(replies!.map(({ message }) => Number(message)), numbers.slice(50));
  assert.equal((await ada.show(id)).replies!.length, 600);
  assert.equal((await ada.show(id, { limit: 250 })).replies!.length, 250);
  assert.deepEqual((await bob.inbox({ limit: 1000 })).map(({ title }) => Number(title)), numbers);
  const read = await bob.inbox({ limit: 590, ack: true });
  assert.equal(read.length, 590);
  assert.equal((await bob.inbox({ limit: 1000 })).length, 10);
});
