/**
 * The store in front of Redis and a directory, in each situation that a test of any store can be in without noticing.
 *
 * What was made on Redis is out of reach while it is away, by design; so Redis goes away before a test has made anything.
 * @module
 */
import type { Clock } from "../src/clock.ts";
import { FailoverStore } from "../src/open/failover/store.ts";
import { PRIMITIVES } from "../src/primitives.ts";
import type { Store } from "../src/store.ts";
import { startProxy } from "./proxy.ts";
import { freshNamespace, hasRedis, pause, resp, sharedRedis } from "./redis_server.ts";
import { GENEROUS_MS } from "./sleepers.ts";
import type { StoreKind } from "./stores.ts";

/** How Redis is. */
export type Situation =
  /** There all the time. */
  | "up"
  /** Away all the time. */
  | "away"
  /** Away at first, and back in the middle of the test. */
  | "back"
  /** Emptied before the test begins, behind the back of the store. */
  | "emptied"
  /** Lost before the test begins, behind the back of the store, and back in the middle of it. */
  | "lost and back";

/**
 * While the directory stands in, what is as old as Redis may be there, so it is out of reach rather than unknown; and a
 * change of authority is an event like others.
 */
const EXCEPT =
  /^(event (cursor of|list|pages)|audit tail starts|approval calls on what|board calls on threads|task that does not)/;

/** Operations after which Redis is back: another number for each test, so that all kinds of state are moved. */
const BACK_AFTER = [3, 1, 7, 2, 12, 5, 25, 4, 9];
let tests = 0;

/** The store in one situation. */
export function failoverKind(situation: Situation): StoreKind {
  const isOnDirectory = situation !== "up" && situation !== "emptied";
  return {
    name: `failover, Redis ${situation}`,
    ignore: !hasRedis(),
    ...(isOnDirectory ? { except: EXCEPT } : {}),
    make: async (clock) => {
      const { port } = await sharedRedis();
      const proxy = await startProxy(port);
      const directory = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
      const namespace = freshNamespace();
      const comesBack = situation === "back" || situation === "lost and back";
      let left = comesBack ? BACK_AFTER[tests++ % BACK_AFTER.length]! : Infinity;
      if (situation === "away" || situation === "back") await proxy.refuse(true);
      let isBegun = false;
      const begin = async (store: FailoverStore): Promise<void> => {
        isBegun = true;
        if (situation === "emptied" || situation === "lost and back") await touch(store);
        if (situation === "emptied") await empty(port, namespace);
        if (situation !== "lost and back") return;
        await proxy.refuse(true);
        proxy.cut();
      };
      const before = async (store: FailoverStore): Promise<void> => {
        if (left-- !== 0) return;
        await proxy.refuse(false);
        await failBack(store);
      };
      return {
        open: async () => {
          const store = await open(proxy.url, { directory, namespace, clock });
          if (!isBegun) await begin(store);
          return watched(store, before);
        },
        remove: async () => {
          await proxy.stop();
          await Deno.remove(directory, { recursive: true });
        },
      };
    },
  };
}

/** An operation that writes and changes nothing: Redis is known from then on. */
async function touch(store: FailoverStore): Promise<void> {
  await (await store.locks()).abandon("nobody");
}

/** Moves everything to Redis, as soon as it is connected to again. */
async function failBack(store: FailoverStore): Promise<void> {
  const deadline = performance.now() + GENEROUS_MS;
  while ((await store.failback()).kind === "unreachable") {
    if (performance.now() > deadline) throw new Error("Redis is back, but nothing is moved to it");
    await pause(20);
  }
}

function open(
  url: string,
  { directory, namespace, clock }: {
    readonly directory: string;
    readonly namespace: string;
    readonly clock: Clock;
  },
): Promise<FailoverStore> {
  return FailoverStore.open({
    url: `${url}?command_timeout=500ms`,
    mode: "directory",
    directory,
    namespace,
    clock,
    redisNowMs: clock.nowMs,
    durability: "normal",
  });
}

/** The same store; `before` is awaited ahead of each operation. */
function watched(store: FailoverStore, before: (store: FailoverStore) => Promise<void>): Store {
  const isPrimitive = (name: string | symbol) => (PRIMITIVES as readonly unknown[]).includes(name);
  return new Proxy(store, {
    get: (target, name) => {
      const value = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      if (!isPrimitive(name)) return value.bind(target);
      return async () => {
        const operations = await value.call(target);
        return new Proxy(operations, {
          get: (_, method) => {
            // Also when it is asked whether it is a promise.
            if (!(method in operations)) return undefined;
            return async (...args: readonly unknown[]) => {
              await before(target);
              return await operations[method](...args);
            };
          },
        });
      };
    },
  });
}

/** Removes every key of a namespace, the state as well: what FLUSHALL does to it. */
async function empty(port: number, namespace: string): Promise<void> {
  const client = await resp(port);
  try {
    const keys = await client.command("KEYS", `{agentcoord:${namespace}}:*`) as readonly string[];
    if (keys.length > 0) await client.command("DEL", ...keys);
  } finally {
    client.close();
  }
}
