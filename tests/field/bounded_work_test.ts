/**
 * One operation does a bounded piece of work, however much there is: a server that runs one script, and a directory
 * that is locked for one transaction, serve nobody else meanwhile.
 * @module
 */
import assert from "node:assert/strict";
import { systemClock } from "../../src/clock.ts";
import type { RoomContext } from "../../src/context.ts";
import { Approvals } from "../../src/approval/approval.ts";
import { Audit } from "../../src/audit/audit.ts";
import { Board, type Thread } from "../../src/board/board.ts";
import { RedisStore } from "../../src/open/redis.ts";
import { Tasks } from "../../src/task/task.ts";
import { type Executed, monitor } from "../../dev/redis_monitor.ts";
import { type Proxy, startProxy } from "../../dev/proxy.ts";
import {
  freshNamespace,
  hasRedis,
  pause,
  type RedisServer,
  startRedis,
} from "../../dev/redis_server.ts";
import { ends, Sleepers } from "../../dev/sleepers.ts";
import { storeTest } from "../../dev/stores.ts";
import { contextOn } from "../../dev/room_context.ts";

/** More than an answer should have: the bound, and one thing of the largest kind. */
const REPLY_BYTES = 2_000_000;

interface Site {
  readonly as: (name: string) => RoomContext;
  readonly proxy: Proxy;
  readonly server: RedisServer;
}

function redisTest(name: string, body: (site: Site) => Promise<void>): void {
  Deno.test({ name, ignore: !hasRedis() }, async () => {
    await using server = await startRedis();
    await using proxy = await startProxy(server);
    const store = await RedisStore.open(proxy.url, { namespace: freshNamespace() });
    const as = (name: string) => contextOn(store, systemClock, name);
    try {
      await body({ as, proxy, server });
    } finally {
      await store.close();
    }
  });
}

/** The largest reply to what `act` does. */
async function largestReply(proxy: Proxy, act: () => Promise<unknown>): Promise<number> {
  proxy.clear();
  await act();
  return proxy.largestReply;
}

/** Puts `count` tasks that carry these tags into the queue. */
async function queue(tasks: Tasks, count: number, tags: readonly string[]): Promise<void> {
  for (let made = 0; made < count; made += 1000) {
    const size = Math.min(1000, count - made);
    await tasks.create(
      Array.from({ length: size }, (_, n) => ({ title: `${tags}-${made + n}`, tags })),
    );
  }
}

redisTest("task list answers in pieces of bounded size when results are long", async (site) => {
  const ada = new Tasks(site.as("ada"));
  await queue(ada, 30, ["long"]);
  const text = "x".repeat(200_000);
  for (let n = 0; n < 30; n++) {
    const [task] = await ada.claim({});
    await ada.complete(task!.id, { fence: task!.lease!.fence, result: text });
  }
  let page: Awaited<ReturnType<Tasks["list"]>> | undefined;
  const bytes = await largestReply(site.proxy, async () => {
    page = await ada.list({ status: "completed", limit: 20 });
  });
  assert.deepEqual(
    page!.tasks.map(({ title }) => title),
    Array.from({ length: 20 }, (_, n) => `long-${n}`),
  );
  assert.ok(page!.tasks.every(({ result }) => result === text));
  const rest = await ada.list({ status: "completed", limit: 20, cursor: page!.nextCursor! });
  assert.equal(rest.tasks.length, 10);
  assert.ok(bytes < REPLY_BYTES, `a reply of ${bytes} bytes`);
});

redisTest(
  "task list reads little more than it shows when only the tasks know whether they match",
  async (site) => {
    const ada = new Tasks(site.as("ada"));
    await queue(ada, 4000, ["common"]);
    await queue(new Tasks(site.as("bob")), 1, ["rare"]);
    const watch = await monitor(site.server);
    try {
      const ask = async (options: Parameters<Tasks["list"]>[0]) => {
        const before = (await watch.read()).length;
        const { tasks } = await ada.list(options);
        const commands = (await watch.read()).slice(before);
        return { titles: tasks.map(({ title }) => title), work: workOf(commands) };
      };
      const rare = await ask({ tags: ["rare"], status: "pending" });
      assert.deepEqual(rare.titles, ["rare-0"]);
      assert.ok(Math.max(...rare.work) < 1000, `did ${rare.work}`);
      const hers = await ask({ createdBy: "bob" });
      assert.deepEqual(hers.titles, ["rare-0"]);
      assert.ok(Math.max(...hers.work) < 10_000, `did ${hers.work}`);
    } finally {
      await watch.stop();
    }
  },
);

/** How many members of tags each script asked for, of the scripts that asked for any. */
function looksOf(commands: readonly Executed[]): number[] {
  const looks: number[] = [];
  for (const { words, byScript } of commands) {
    if (!byScript) looks.push(0);
    else if (words[0]!.toUpperCase() === "ZRANGEBYLEX") {
      looks[looks.length - 1]! += Number(words.at(-1));
    }
  }
  return looks.filter((count) => count > 0);
}

redisTest(
  "task claim that wants every tag looks at a bounded number of tasks in one operation",
  async (site) => {
    const ada = new Tasks(site.as("ada"));
    await queue(ada, 10_000, ["x"]);
    await queue(ada, 10_000, ["y"]);
    await queue(ada, 1, ["x", "y"]);
    const watch = await monitor(site.server);
    try {
      const before = (await watch.read()).length;
      const [task] = await ada.claim({ tags: ["x", "y"], match: "all" });
      assert.equal(task!.title, "x,y-0");
      assert.deepEqual(looksOf((await watch.read()).slice(before)), [4096, 4096, 2048]);
    } finally {
      await watch.stop();
    }
  },
);

redisTest(
  "task claim that waits for every tag looks no further while nothing arrives",
  async (site) => {
    const ada = new Tasks(site.as("ada"));
    await queue(ada, 5000, ["x"]);
    await queue(ada, 5000, ["y"]);
    const watch = await monitor(site.server);
    try {
      const bob = site.as("bob");
      const sleepers = new Sleepers(bob.store);
      const waiting = new Tasks({ ...bob, store: sleepers.store, pollMs: 20 }).claim({
        tags: ["x", "y"],
        match: "all",
        waitMs: 3_600_000,
      });
      await sleepers.asleep();
      const before = (await watch.read()).length;
      const sinceThen = async () => (await watch.read()).slice(before);
      const glances = async () =>
        (await sinceThen()).filter(({ words }) => words[0] === "evalsha").length;
      while (await glances() < 5) await pause(20);
      assert.deepEqual(looksOf(await sinceThen()), [], "it only glances at its place in the queue");
      await ada.create([{ title: "both", tags: ["x", "y"] }]);
      assert.equal((await ends("the claim", waiting))[0]!.title, "both");
    } finally {
      await watch.stop();
    }
  },
);

storeTest(
  "task claim that wants every tag finds the one task behind thousands of others",
  async ({ as, asleep }) => {
    const ada = new Tasks(as("ada"));
    await queue(ada, 5000, ["x"]);
    await queue(ada, 5000, ["y"]);
    const both = { tags: ["x", "y"], match: "all" } as const;
    assert.deepEqual(await ada.tryClaim(both), []);
    const [first] = await ada.create([{ title: "first", tags: ["x"] }]);
    const { fence } = (await ada.claim({ tags: ["x"] }))[0]!.lease!;
    const waiting = new Tasks(as("bob")).claim({ ...both, waitMs: 60_000 });
    await asleep();
    await ada.create([{ title: "second", tags: ["y", "x"] }]);
    assert.equal((await waiting)[0]!.title, "second");
    await ada.update(first!.id, { tags: ["x", "y"] });
    const held = (await ada.list({ holder: "ada" })).tasks[0]!;
    const { next } = await ada.completeAndClaim(held.id, { fence, next: both });
    assert.deepEqual(next.map(({ title }) => title), ["first"]);
  },
);

const LONG = "long ".repeat(12_000);
const MANY = Array.from({ length: 40 }, (_, n) => n);

redisTest("board answers come in pieces of bounded size when messages are long", async (site) => {
  const ada = new Board(site.as("ada"));
  const bob = new Board(site.as("bob"));
  await bob.inbox();
  const threads: Thread[] = [];
  for (const n of MANY) {
    threads.push(await ada.post({ title: `t${n}`, message: LONG, to: ["bob"] }));
  }
  for (const n of MANY) await ada.reply(threads[0]!.id, { message: `${n} ${LONG}` });
  const newest = MANY.map((n) => `t${n}`).reverse();
  const within = async <T>(act: () => Promise<T>): Promise<T> => {
    let answer: T | undefined;
    const bytes = await largestReply(site.proxy, async () => answer = await act());
    assert.ok(bytes < REPLY_BYTES, `a reply of ${bytes} bytes`);
    return answer!;
  };
  for (const find of [() => ada.list({ limit: 38 }), () => ada.search("long", { limit: 38 })]) {
    const page = await within(find);
    assert.deepEqual(page.threads.map(({ title }) => title), newest.slice(0, 38));
    assert.equal(page.nextCursor, threads[2]!.id);
  }
  const shown = await within(() => ada.show(threads[0]!.id, { limit: 35 }));
  assert.deepEqual(
    shown.replies!.map(({ message }) => Number(message.split(" ")[0])),
    MANY.slice(5),
  );
  const unread = await within(() => bob.inbox({ limit: 1000 }));
  assert.deepEqual(unread.map(({ title }) => title), [...newest].reverse());
  const read: string[] = [];
  for (;;) {
    const some = await within(() => bob.inbox({ limit: 1000, ack: true }));
    if (some.length === 0) break;
    read.push(...some.map(({ title }) => title));
  }
  assert.deepEqual(read, [...newest].reverse());
});

redisTest(
  "approvals and audit entries come in pieces of bounded size when they are long",
  async (site) => {
    const approvals = new Approvals(site.as("ada"));
    const audit = new Audit(site.as("ada"));
    const entries = [];
    const asked = [];
    for (const n of MANY) {
      asked.push(await approvals.request({ actionType: `a${n}`, description: LONG }));
      entries.push(await audit.log({ decisionType: "d", context: LONG, reason: LONG }));
    }
    const ids = entries.map(({ id }) => id);
    let found: unknown;
    const bytes = await largestReply(site.proxy, async () => {
      const pages = [];
      for (const options of [{}, { agent: "ada" }]) {
        const page = await audit.list({ ...options, limit: 38 });
        pages.push([page.entries.map(({ id }) => id), page.nextCursor]);
      }
      const tail = [];
      for await (const { id } of audit.tail({ after: ids[0]! })) {
        tail.push(id);
        if (id === ids.at(-1)) break;
      }
      const list = await approvals.list({ limit: 38 });
      const verified = await audit.verify();
      found = [pages, tail, list.approvals.map(({ id }) => id), list.nextCursor, verified];
    });
    assert.deepEqual(found, [
      [[ids.slice(2), ids[2]], [ids.slice(2), ids[2]]],
      ids.slice(1),
      asked.map(({ id }) => id).slice(2).reverse(),
      asked[2]!.id,
      { ok: true, entries: 40, head: entries.at(-1)!.link },
    ]);
    assert.ok(bytes < REPLY_BYTES, `a reply of ${bytes} bytes`);
  },
);

storeTest(
  "task sweep tells leases that lapse at one instant in the order of creation",
  async ({ as, clock }) => {
    const ada = new Tasks(as("ada"));
    const made = await ada.create([
      { title: "a", priority: 1 },
      { title: "b", priority: 9 },
      { title: "c", priority: 5 },
    ]);
    for (const name of ["zoe", "ada", "moe"]) await new Tasks(as(name)).claim({ leaseMs: 5000 });
    clock.advance(5000);
    const lapsed = await ada.sweep();
    assert.deepEqual(lapsed, made.map(({ id }) => id));
  },
);

/** How many members each script asked for, about: the words of its commands, and what their limits allow. */
function workOf(
  commands: Awaited<ReturnType<Awaited<ReturnType<typeof monitor>>["read"]>>,
): number[] {
  const work: number[] = [];
  for (const { words, byScript } of commands) {
    if (!byScript) {
      if (words[0]!.toUpperCase() === "EVALSHA" || words[0]!.toUpperCase() === "EVAL") work.push(0);
      continue;
    }
    const limit = words.findIndex((word) => word.toUpperCase() === "LIMIT");
    work[work.length - 1]! += limit < 0 ? words.length : Number(words[limit + 2]);
  }
  return work;
}
