/**
 * One step does a bounded piece of work, however much there is: a server that runs one script, and a directory that
 * is locked for one transaction, serve nobody else meanwhile.
 * @module
 */
import assert from "node:assert/strict";
import { systemClock } from "../../src/clock.ts";
import type { RoomContext } from "../../src/context.ts";
import { RedisStore } from "../../src/store/redis.ts";
import { Tasks } from "../../src/task/task.ts";
import { monitor } from "../redis/monitor.ts";
import { type Proxy, startProxy } from "../support/proxy.ts";
import { freshNamespace, hasRedis, type RedisServer, startRedis } from "../support/redis_server.ts";
import { storeTest } from "../support/stores.ts";

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
    const as = (name: string): RoomContext => ({
      store,
      clock: systemClock,
      lockPath: (path) => ({ path, aliases: [] }),
      actor: { name, host: "test-host" },
    });
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
      assert.ok(Math.max(...hers.work) < 5000, `did ${hers.work}`);
    } finally {
      await watch.stop();
    }
  },
);

redisTest(
  "task claim that wants every tag looks at a bounded number of tasks in one step",
  async (site) => {
    const ada = new Tasks(site.as("ada"));
    await queue(ada, 5000, ["x"]);
    await queue(ada, 5000, ["y"]);
    await queue(ada, 1, ["x", "y"]);
    const watch = await monitor(site.server);
    try {
      const before = (await watch.read()).length;
      const [task] = await ada.claim({ tags: ["x", "y"], match: "all" });
      assert.equal(task!.title, "x,y-0");
      const work = workOf((await watch.read()).slice(before));
      assert.ok(work.length > 1 && Math.max(...work) < 10_000, `did ${work}`);
    } finally {
      await watch.stop();
    }
  },
);

storeTest(
  "task claim that wants every tag finds the one task behind thousands of others",
  async ({ as }) => {
    const ada = new Tasks(as("ada"));
    await queue(ada, 5000, ["x"]);
    await queue(ada, 5000, ["y"]);
    const both = { tags: ["x", "y"], match: "all" } as const;
    assert.deepEqual(await ada.tryClaim(both), []);
    const [first] = await ada.create([{ title: "first", tags: ["x"] }]);
    const { fence } = (await ada.claim({ tags: ["x"] }))[0]!.lease!;
    const waiting = new Tasks(as("bob")).claim({ ...both, waitMs: 60_000 });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await ada.create([{ title: "second", tags: ["y", "x"] }]);
    assert.equal((await waiting)[0]!.title, "second");
    await ada.update(first!.id, { tags: ["x", "y"] });
    const held = (await ada.list({ holder: "ada" })).tasks[0]!;
    const { next } = await ada.completeAndClaim(held.id, { fence, next: both });
    assert.deepEqual(next.map(({ title }) => title), ["first"]);
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
