/**
 * Stores for tests: every contract test runs once on each kind of store, in a private one.
 * @module
 */
import type { Clock } from "../../src/clock.ts";
import type { RoomContext } from "../../src/context.ts";
import { normalizeLockPath } from "../../src/path.ts";
import { DirectoryStore } from "../../src/open/directory.ts";
import { RedisStore } from "../../src/open/redis.ts";
import type { Store } from "../../src/store.ts";
import { freshNamespace, hasRedis, sharedRedis } from "./redis_server.ts";

/** A clock that moves only when told to. */
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
  /** A client's surroundings acting as `name`; a context without a name only reads. */
  readonly as: (name?: string) => RoomContext;
  /** Other names of the paths that a test gives, by the path as it is given; a test adds to it. */
  readonly aliases: Record<string, readonly string[]>;
}

/** Opens a store of one kind for one test. */
interface StoreKind {
  readonly name: string;
  /** Reported as skipped where what it needs is not installed. */
  readonly ignore?: boolean;
  readonly open: (clock: Clock) => Promise<{ store: Store; remove: () => Promise<void> }>;
}

const KINDS: readonly StoreKind[] = [{
  name: "directory",
  open: async (clock) => {
    const directory = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
    const store = await DirectoryStore.open(directory, {
      namespace: "default",
      durability: "normal",
      clock,
    });
    return { store, remove: () => Deno.remove(directory, { recursive: true }) };
  },
}, {
  name: "redis",
  ignore: !hasRedis(),
  open: async (clock) => {
    const { url } = await sharedRedis();
    const store = await RedisStore.open(url, {
      namespace: freshNamespace(),
      nowMs: clock.nowMs,
    });
    // Every store of a test run has a namespace of its own on one server, which ends with the run.
    return { store, remove: () => Promise.resolve() };
  },
}];

/** Registers `body` once for every kind of store; each run has a store of its own. */
export function storeTest(name: string, body: (bench: Bench) => Promise<void>): void {
  for (const kind of KINDS) {
    const ignore = kind.ignore ?? false;
    Deno.test({ name: `${name} (${kind.name})`, ignore }, async () => {
      const clock = new TestClock();
      const aliases: Record<string, readonly string[]> = {};
      const { store, remove } = await kind.open(clock);
      const lockPath: RoomContext["lockPath"] = (path, options) => ({
        path: normalizeLockPath(path, { root: "/project", cwd: "/project", ...options }),
        aliases: aliases[path] ?? [],
      });
      const as = (agent?: string): RoomContext => ({
        store,
        clock,
        lockPath,
        actor: agent === undefined ? undefined : { name: agent, host: "test-host" },
      });
      try {
        await body({ store, clock, as, aliases });
      } finally {
        await store.close();
        await remove();
      }
    });
  }
}
