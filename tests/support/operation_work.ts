/**
 * How much one operation of a store does: rows of a directory's database, or members that a script on Redis asks for.
 * A store serves nobody else during an operation, so what counts is the largest.
 * @module
 */
import type { RoomContext } from "../../src/context.ts";
import { Database } from "../../src/engine/directory/database.ts";
import { DirectoryStore } from "../../src/open/directory.ts";
import { RedisStore } from "../../src/open/redis.ts";
import type { Store } from "../../src/store.ts";
import { type Executed, monitor } from "../../dev/redis_monitor.ts";
import { startProxy } from "../../dev/proxy.ts";
import { freshNamespace, hasRedis, startRedis } from "../../dev/redis_server.ts";
import { TestClock } from "../../dev/stores.ts";
import { contextOn } from "../../dev/room_context.ts";

/** What some operations did. */
export interface OperationWork {
  /** Rows read, or words of commands and members within their limits, by the operation that had most of them. */
  readonly items: number;
  /** Bytes of the largest answer that an operation gave. */
  readonly bytes: number;
}

/** What a test gets. */
export interface WorkBench {
  readonly store: Store;
  readonly clock: TestClock;
  readonly as: (name: string) => RoomContext;
  /** What the operations of `act` do. */
  readonly work: (act: () => Promise<unknown>) => Promise<OperationWork>;
}

/** Registers `body` once for every kind of store, each time with a store of its own. */
export function workTest(name: string, body: (bench: WorkBench) => Promise<void>): void {
  const run = async (store: Store, clock: TestClock, work: WorkBench["work"]) => {
    const as = (agent: string) => contextOn(store, clock, agent);
    try {
      await body({ store, clock, as, work });
    } finally {
      await store.close();
    }
  };
  Deno.test(`${name} (directory)`, async () => {
    const clock = new TestClock();
    const directory = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
    try {
      const options = { namespace: "default", durability: "normal", clock } as const;
      await run(await DirectoryStore.open(directory, options), clock, directoryWork);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
  Deno.test({ name: `${name} (redis)`, ignore: !hasRedis() }, async () => {
    const clock = new TestClock();
    await using server = await startRedis();
    await using proxy = await startProxy(server);
    const options = { namespace: freshNamespace(), nowMs: clock.nowMs };
    const store = await RedisStore.open(proxy.url, options);
    await run(store, clock, async (act) => {
      const watch = await monitor(server);
      try {
        proxy.clear();
        await act();
        return { items: largestScript(await watch.read()), bytes: proxy.largestReply };
      } finally {
        await watch.stop();
      }
    });
  });
}

/** Listens at the database while `act` runs: every operation begins a transaction. */
async function directoryWork(act: () => Promise<unknown>): Promise<OperationWork> {
  const { all, run } = Database.prototype;
  const steps = [{ items: 0, bytes: 0 }];
  Database.prototype.run = function (sql, values) {
    if (sql.startsWith("BEGIN")) steps.push({ items: 0, bytes: 0 });
    steps.at(-1)!.items++;
    return run.call(this, sql, values);
  };
  Database.prototype.all = function <Row>(sql: string, values: Parameters<typeof all>[1]): Row[] {
    const rows = all.call(this, sql, values) as Row[];
    const step = steps.at(-1)!;
    step.items += rows.length;
    step.bytes += JSON.stringify(rows).length;
    return rows;
  };
  try {
    await act();
  } finally {
    Object.assign(Database.prototype, { all, run });
  }
  return {
    items: Math.max(...steps.map(({ items }) => items)),
    bytes: Math.max(...steps.map(({ bytes }) => bytes)),
  };
}

/** Of the scripts among these, the most that one asked for: the words of its commands, or what their limits allow. */
function largestScript(commands: readonly Executed[]): number {
  const scripts = [0];
  for (const { words, byScript } of commands) {
    if (!byScript) {
      scripts.push(0);
      continue;
    }
    const limit = words.findIndex((word) => /^(limit|count)$/i.test(word));
    const asked = limit < 0
      ? 0
      : Number(words[/^limit$/i.test(words[limit]!) ? limit + 2 : limit + 1]);
    scripts[scripts.length - 1]! += Math.max(words.length, asked);
  }
  return Math.max(...scripts);
}
