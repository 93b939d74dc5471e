/**
 * Stores for tests: every contract test runs once on each kind of store, in a private one.
 * @module
 */
import type { Clock } from "../src/clock.ts";
import type { RoomContext } from "../src/context.ts";
import { normalizeLockPath } from "../src/path.ts";
import { DirectoryStore } from "../src/open/directory.ts";
import { RedisStore } from "../src/open/redis.ts";
import type { Store } from "../src/store.ts";
import { Sleepers } from "./sleepers.ts";
import { freshNamespace, hasRedis, sharedRedis } from "./redis_server.ts";

const HOUR_MS = 3_600_000;

/** A clock that moves only when a test moves it. */
export class TestClock implements Clock {
  #nowMs = 1_800_000_000_000;
  #passedMs = 0;
  readonly nowMs = () => this.#nowMs;
  readonly monotonicMs = () => this.#passedMs;

  /** Moves time on; a negative `ms` sets the host's clock back, as an administrator may. */
  advance(ms: number): void {
    this.#nowMs += ms;
    this.#passedMs += Math.max(ms, 0);
  }
}

/** What a contract test gets. */
export interface Bench {
  readonly store: Store;
  /** Decides expiry in `store`. */
  readonly clock: TestClock;
  /**
   * A client's surroundings acting as `name`; a context without a name only reads. Whoever waits looks at the store
   * by itself after an hour, unless `pollMs` says otherwise: a wait that ends was woken.
   */
  readonly as: (name?: string, options?: Pick<RoomContext, "pollMs">) => RoomContext;
  /** Settled once so many calls of these clients wait: each has looked, and found nothing. */
  readonly asleep: (count?: number) => Promise<void>;
  /** Another process's view of the same state; closed at the end of the test if it still is open. */
  readonly another: () => Promise<Store>;
  /** Other names of the paths that a test gives, by the path as it is given; a test adds to it. */
  readonly aliases: Record<string, readonly string[]>;
}

/** Opens a store of one kind for one test. */
export interface StoreKind {
  readonly name: string;
  /** Reported as skipped where what it needs is not installed. */
  readonly ignore?: boolean;
  /**
   * Before which of so many operations something happens to the stores, each time in a run of its own; a run in which
   * nothing happens counts the operations first. Default: there is only that one.
   */
  readonly moments?: (operations: number, test: string) => readonly number[];
  readonly make: (clock: Clock, moment: number) => Promise<StoreBench>;
}

/** The stores of one run of one test. */
export interface StoreBench {
  readonly open: () => Promise<Store>;
  readonly remove: () => Promise<void>;
  /** How many operations were made. */
  readonly operations?: () => number;
  /** After a test that went well, before its stores are closed: fails unless all that was to happen has happened. */
  readonly settle?: () => Promise<void>;
}

const KINDS: readonly StoreKind[] = [{
  name: "directory",
  make: async (clock) => {
    const directory = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
    const options = { namespace: "default", durability: "normal", clock } as const;
    return {
      open: () => DirectoryStore.open(directory, options),
      remove: () => Deno.remove(directory, { recursive: true }),
    };
  },
}, {
  name: "redis",
  ignore: !hasRedis(),
  make: async (clock) => {
    const { url } = await sharedRedis();
    const options = { namespace: freshNamespace(), nowMs: clock.nowMs };
    // Every store of a test run has a namespace of its own on one server, which ends with the run.
    return { open: () => RedisStore.open(url, options), remove: () => Promise.resolve() };
  },
}];

let kinds = KINDS;

/** Has the tests that are registered from now on run on these kinds of store only. */
export function onlyOn(others: readonly StoreKind[]): void {
  kinds = others;
}

/** Registers `body` once for every kind of store; each run has a store of its own. */
export function storeTest(name: string, body: (bench: Bench) => Promise<void>): void {
  for (const kind of kinds) {
    const ignore = kind.ignore ?? false;
    Deno.test({ name: `${name} (${kind.name})`, ignore }, async (test) => {
      const operations = await run(kind, Infinity, body);
      for (const moment of kind.moments?.(operations, name) ?? []) {
        await test.step(`operation ${moment + 1} of ${operations}`, async () => {
          await run(kind, moment, body);
        });
      }
    });
  }
}

/** Runs a test once; how many operations it made. */
async function run(
  kind: StoreKind,
  moment: number,
  body: (bench: Bench) => Promise<void>,
): Promise<number> {
  const clock = new TestClock();
  const aliases: Record<string, readonly string[]> = {};
  const made = await kind.make(clock, moment);
  const stores: Store[] = [];
  const another = async () => {
    const store = await made.open();
    stores.push(store);
    return store;
  };
  const store = await another();
  const lockPath: RoomContext["lockPath"] = (path, options) => ({
    path: normalizeLockPath(path, { root: "/project", cwd: "/project", ...options }),
    aliases: aliases[path] ?? [],
  });
  const sleepers = new Sleepers(store);
  const as: Bench["as"] = (agent, { pollMs = HOUR_MS } = {}) => ({
    store: sleepers.store,
    clock,
    pollMs,
    lockPath,
    actor: agent === undefined ? undefined : { name: agent, host: "test-host" },
  });
  try {
    const asleep = (count?: number) => sleepers.asleep(count);
    await body({ store, clock, as, asleep, another, aliases });
    await made.settle?.();
  } finally {
    for (const store of stores) await store.close();
    await made.remove();
  }
  return made.operations?.() ?? 0;
}
