/**
 * The store in front of Redis and a directory, in each situation that a test of any store can be in without noticing.
 *
 * What was made on Redis is out of reach while it is away, by design; so Redis goes away before a test has made anything.
 * It comes back in the middle: a test is run once with Redis away to the end, which counts its operations, and then
 * again for some of these, with Redis back before that one. Every third time the test waits until everything has been
 * moved to Redis; else it goes on while another process, or its own, moves it.
 * @module
 */
import assert from "node:assert/strict";
import type { Clock } from "../src/clock.ts";
import { FailoverStore } from "../src/open/failover/store.ts";
import { PRIMITIVES } from "../src/primitives.ts";
import type { Store } from "../src/store.ts";
import { type Proxy as RedisProxy, startProxy } from "./proxy.ts";
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

/** How many operations of each test Redis comes back before: `AGENTCOORD_MOMENTS`, or 2. */
const MOMENTS = Number(Deno.env.get("AGENTCOORD_MOMENTS") ?? "2");

/** The store in one situation. */
export function failoverKind(situation: Situation): StoreKind {
  const comesBack = situation === "back" || situation === "lost and back";
  return {
    name: `failover, Redis ${situation}`,
    ignore: !hasRedis(),
    ...(comesBack ? { moments: (count, test) => momentsOf(count, `${situation}: ${test}`) } : {}),
    make: async (clock, moment) => {
      const { port } = await sharedRedis();
      const directory = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
      const site = new Site(await startProxy(port), { directory, clock });
      if (situation === "away" || situation === "back") await site.lose();
      const begin = async (store: FailoverStore): Promise<void> => {
        if (situation === "up" || situation === "away" || situation === "back") return;
        await touch(store);
        memory = (await store.authority()).memory;
        if (situation === "emptied") await empty(port, site.namespace);
        else await site.lose();
      };
      let memory: number | undefined;
      let operations = 0;
      let change: Promise<void> | undefined;
      const before = (store: FailoverStore): Promise<void> | undefined => {
        const isAwaited = moment % 3 === 0;
        if (operations++ === moment) {
          change = site.bringBack(moment % 3 === 1 ? undefined : store);
          // The operation that awaits it rejects with its error, else the end of the test does: not this line.
          change.catch(() => {});
        }
        return isAwaited ? change : undefined;
      };
      let first: FailoverStore | undefined;
      return {
        open: async () => {
          const store = await site.open();
          if (first === undefined) await begin(store);
          first ??= store;
          return watched(store, before);
        },
        operations: () => operations,
        settle: async () => {
          await change;
          if (first === undefined || operations === 0) return;
          const record = await first.authority();
          const { store: authority, epoch } = record;
          assert.deepEqual({ authority, epoch }, expected(situation, moment !== Infinity));
          if (situation === "emptied") assert.notEqual(record.memory, memory, "it was not emptied");
        },
        remove: async () => {
          await site.proxy.stop();
          await Deno.remove(directory, { recursive: true });
        },
      };
    },
  };
}

/** One directory, and the way from there to Redis. */
class Site {
  readonly proxy: RedisProxy;
  readonly namespace = freshNamespace();
  readonly #directory: string;
  readonly #clock: Clock;

  constructor(
    proxy: RedisProxy,
    { directory, clock }: { readonly directory: string; readonly clock: Clock },
  ) {
    this.proxy = proxy;
    this.#directory = directory;
    this.#clock = clock;
  }

  /** A process that is patient enough for a machine that is busy with other tests. */
  open(patience: "5s" | "200ms" = "5s"): Promise<FailoverStore> {
    return FailoverStore.open({
      url: `${this.proxy.url}?command_timeout=${patience}`,
      mode: "directory",
      directory: this.#directory,
      namespace: this.namespace,
      clock: this.#clock,
      redisNowMs: this.#clock.nowMs,
      durability: "normal",
    });
  }

  /** Redis goes away, and an impatient process notices. */
  async lose(): Promise<void> {
    await this.proxy.refuse(true);
    this.proxy.cut();
    const store = await this.open("200ms");
    try {
      await (await store.locks()).count();
    } finally {
      await store.close();
    }
  }

  /** Redis is there again, and everything is moved to it: by `mover`, or by another process. */
  async bringBack(mover: FailoverStore | undefined): Promise<void> {
    await this.proxy.refuse(false);
    const store = mover ?? await this.open();
    try {
      const deadline = performance.now() + GENEROUS_MS;
      while ((await store.failback()).kind === "unreachable") {
        if (performance.now() > deadline) {
          throw new Error("Redis is back, but nothing is moved to it");
        }
        await pause(20);
      }
    } finally {
      if (mover === undefined) await store.close();
    }
  }
}

/** Which of a test's operations something happens before: spread, and others for each test. */
function momentsOf(operations: number, test: string): readonly number[] {
  let hash = 0;
  for (const char of test) hash = (hash * 31 + char.charCodeAt(0)) % 1_000_003;
  const step = Math.max(1, Math.floor(operations / MOMENTS));
  const moments: number[] = [];
  for (let at = hash % step; at < operations && moments.length < MOMENTS; at += step) {
    moments.push(at);
  }
  return moments;
}

/** What the record of a site says that was in this situation. */
function expected(situation: Situation, isBack: boolean) {
  const epoch = isBack ? 3 : situation === "up" || situation === "emptied" ? 1 : 2;
  return { authority: epoch === 2 ? "directory" : "redis", epoch };
}

/** An operation that writes and changes nothing: Redis is known from then on. */
async function touch(store: FailoverStore): Promise<void> {
  await (await store.locks()).abandon("nobody");
}

/** The same store; `before` is awaited ahead of each operation. */
function watched(
  store: FailoverStore,
  before: (store: FailoverStore) => Promise<void> | undefined,
): Store {
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
