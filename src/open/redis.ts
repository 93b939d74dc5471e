/**
 * The Redis store: one namespace's state under the keys `{agentcoord:<namespace>}:…` of a server, of the
 * primary that Sentinels name, or of one slot of a cluster.
 *
 * Each operation of a room is one Lua script, so it happens as a whole or not at all; see script.ts.
 * @module
 */
import type { Waker } from "../engine/waker.ts";
import { RedisConnection, type RedisConnectionOptions } from "../engine/redis/connection.ts";
import { MemoryChangedError } from "../engine/redis/memory.ts";
import { ScriptRunner } from "../engine/redis/script_runner.ts";
import type { Site, Store } from "../store.ts";
import { type Open, opensOnce, PrimitiveStore, type Wings } from "./primitive_store.ts";
import type { Operations, Primitive } from "../primitives.ts";
import { CoordError } from "../errors.ts";
import { given } from "../given.ts";
import type { Actor } from "../engine/actor.ts";
import type { Warn } from "../engine/warning.ts";

/** How to open a {@linkcode RedisStore}. */
export interface RedisStoreOptions extends RedisConnectionOptions {
  readonly namespace: string;
  /** Instead of the server's clock; for tests. */
  readonly nowMs?: () => number;
  /** This host's wall clock, which the store's is compared with. Default: the system's. */
  readonly hostNowMs?: () => number;
  /**
   * The site that the store tells the server with what it writes, see src/engine/redis/sites.ts. Default: none, for
   * those who tell it themselves.
   */
  readonly site?: string | undefined;
  /** Called with what the store finds. */
  readonly warn?: Warn | undefined;
  /** The memory that is expected of the server; see {@linkcode ScriptRunnerOptions}. Default: any will do. */
  readonly memory?: (() => number | undefined) | undefined;
}

/** The wings of this engine. */
const WINGS: Wings<ScriptRunner> = {
  locks: async (runner) => new (await import("../lock/redis/store.ts")).RedisLocks(runner),
  agents: async (runner) => new (await import("../agent/redis/store.ts")).RedisAgents(runner),
  tasks: async (runner) => new (await import("../task/redis/store.ts")).RedisTasks(runner),
  board: async (runner) => new (await import("../board/redis/store.ts")).RedisBoard(runner),
  approvals: async (runner) =>
    new (await import("../approval/redis/store.ts")).RedisApprovals(runner),
  audit: async (runner) => new (await import("../audit/redis/store.ts")).RedisAudit(runner),
  events: async (runner) => new (await import("../event/redis/store.ts")).RedisEvents(runner),
};

/** {@linkcode Store} on Redis. */
export class RedisStore extends PrimitiveStore implements Store {
  readonly kind = "redis";
  readonly location: string;
  /** The connection, for those who examine the server. */
  readonly connection: RedisConnection;
  /** Runs the scripts of the namespace, for those who move records into or out of this store. */
  readonly runner: ScriptRunner;

  private constructor(connection: RedisConnection, runner: ScriptRunner) {
    super(explainsFailures(opensOnce(WINGS, runner), runner));
    this.location = connection.location;
    this.connection = connection;
    this.runner = runner;
  }

  /**
   * Connects to the server at `url`.
   *
   * @throws {InvalidArgumentError} when the URL is malformed.
   * @throws {StoreUnavailableError} when the server cannot be used; `details.reason` says why.
   */
  static async open(
    url: string,
    { namespace, nowMs, hostNowMs, site, warn, memory, ...limits }: RedisStoreOptions,
  ): Promise<RedisStore> {
    const [connection, lookBehindFirstAct, tellSite] = await Promise.all([
      RedisConnection.open(url, limits),
      warn && lookForLapsing(warn),
      site === undefined ? undefined : tellsSite(site),
    ]);
    const options = {
      namespace,
      nowMs,
      hostNowMs,
      lookBehindFirstAct,
      tellSite,
      bringForward,
      memory,
    };
    const runner = new ScriptRunner(connection, options);
    return new RedisStore(connection, runner);
  }

  get clockAheadMs(): number | undefined {
    return this.runner.clockAheadMs;
  }

  async sites(forget?: string): Promise<readonly Site[]> {
    const { listSites } = await import("../engine/redis/sites.ts");
    const { others } = await listSites(this.runner, given({ forget }));
    return others;
  }

  waker(): Promise<Waker> {
    return this.runner.waker();
  }

  async close(options: { readonly exiting?: boolean } = {}): Promise<void> {
    this.runner.close();
    await this.connection.close(options);
  }
}

/** The same operations; one that fails for no reason of the server's tells which record is damaged, if one is. */
function explainsFailures(open: Open, { connection, prefix }: ScriptRunner): Open {
  const explain = async (error: unknown): Promise<never> => {
    if (error instanceof CoordError || error instanceof MemoryChangedError) throw error;
    const { explainFailure } = await import("./redis_damage.ts");
    throw await explainFailure(error, connection, prefix);
  };
  const opened: { -readonly [Name in Primitive]?: Promise<Operations[Name]> } = {};
  const wrap = async <Name extends Primitive>(name: Name): Promise<Operations[Name]> => {
    const operations = await open(name);
    const wrapped: Record<string, unknown> = {};
    const methods = Object.entries(
      Object.getOwnPropertyDescriptors(Object.getPrototypeOf(operations)),
    );
    for (const [method, { value }] of methods) {
      if (method === "constructor" || typeof value !== "function") continue;
      wrapped[method] = (...args: readonly unknown[]) =>
        (Reflect.apply(value, operations, args) as Promise<unknown>).catch(explain);
    }
    return wrapped as unknown as Operations[Name];
  };
  return <Name extends Primitive>(name: Name): Promise<Operations[Name]> =>
    (opened[name] ??= wrap(name) as typeof opened[Name] & object) as Promise<Operations[Name]>;
}

async function bringForward({ connection, prefix }: ScriptRunner, found: number): Promise<void> {
  const migrations = await import("./redis_migrations.ts");
  await migrations.bringForward(connection, found, { prefix });
}

async function lookForLapsing(warn: Warn) {
  const { lapsingLeases } = await import("../agent/redis/lapsing.ts");
  return async (runner: ScriptRunner, { name }: Actor) => {
    const leases = await lapsingLeases(runner, name);
    return () => {
      if (leases.length > 0) warn({ kind: "lapsing", agent: name, leases });
    };
  };
}

async function tellsSite(site: string) {
  const { seeSites } = await import("../engine/redis/sites.ts");
  return (runner: ScriptRunner) => seeSites(runner, site);
}
