/**
 * The Redis store: one namespace's state under the keys `{agentcoord:<namespace>}:…` of a server, of the
 * primary that Sentinels name, or of one slot of a cluster.
 *
 * Each step of a room is one Lua script, so it happens as a whole or not at all; see script.ts.
 * @module
 */
import type { RedisAgents } from "../agent/redis/store.ts";
import type { RedisApprovals } from "../approval/redis/store.ts";
import type { RedisAudit } from "../audit/redis/store.ts";
import type { RedisBoard } from "../board/redis/store.ts";
import type { RedisEvents } from "../event/redis/store.ts";
import type { RedisLocks } from "../lock/redis/store.ts";
import type { RedisTasks } from "../task/redis/store.ts";
import type { Waker } from "../engine/waker.ts";
import { RedisConnection, type RedisConnectionOptions } from "../engine/redis/connection.ts";
import { ScriptRunner } from "../engine/redis/script_runner.ts";
import type { Store } from "../store.ts";
import type { Actor } from "../engine/actor.ts";
import type { Warn } from "../engine/warning.ts";

/** How to open a {@linkcode RedisStore}. */
export interface RedisStoreOptions extends RedisConnectionOptions {
  readonly namespace: string;
  /** Instead of the server's clock; for tests. */
  readonly nowMs?: () => number;
  /** This host's wall clock, which the store's is compared with. Default: the system's. */
  readonly hostNowMs?: () => number;
  /** Is told of what the store finds. */
  readonly warn?: Warn | undefined;
}

/** {@linkcode Store} on Redis. */
export class RedisStore implements Store {
  readonly kind = "redis";
  readonly location: string;
  /** The connection, for those who examine the server. */
  readonly connection: RedisConnection;
  readonly #runner: ScriptRunner;
  #locks: Promise<RedisLocks> | undefined;
  #agents: Promise<RedisAgents> | undefined;
  #tasks: Promise<RedisTasks> | undefined;
  #board: Promise<RedisBoard> | undefined;
  #approvals: Promise<RedisApprovals> | undefined;
  #audit: Promise<RedisAudit> | undefined;
  #events: Promise<RedisEvents> | undefined;

  private constructor(connection: RedisConnection, runner: ScriptRunner) {
    this.location = connection.location;
    this.connection = connection;
    this.#runner = runner;
  }

  /**
   * Connects to the server at `url`.
   *
   * @throws {InvalidArgumentError} when the URL is malformed.
   * @throws {StoreUnavailableError} when the server cannot be used; `details.reason` says why.
   */
  static async open(
    url: string,
    { namespace, nowMs, hostNowMs, warn, ...limits }: RedisStoreOptions,
  ): Promise<RedisStore> {
    const [connection, lookBehindFirstAct] = await Promise.all([
      RedisConnection.open(url, limits),
      warn && lookForLapsing(warn),
    ]);
    const options = { namespace, nowMs, hostNowMs, lookBehindFirstAct, bringForward };
    const runner = new ScriptRunner(connection, options);
    return new RedisStore(connection, runner);
  }

  locks(): Promise<RedisLocks> {
    return this.#locks ??= import("../lock/redis/store.ts").then((room) =>
      new room.RedisLocks(this.#runner)
    );
  }

  agents(): Promise<RedisAgents> {
    return this.#agents ??= import("../agent/redis/store.ts").then((room) =>
      new room.RedisAgents(this.#runner)
    );
  }

  tasks(): Promise<RedisTasks> {
    return this.#tasks ??= import("../task/redis/store.ts").then((room) =>
      new room.RedisTasks(this.#runner)
    );
  }

  board(): Promise<RedisBoard> {
    return this.#board ??= import("../board/redis/store.ts").then((room) =>
      new room.RedisBoard(this.#runner)
    );
  }

  approvals(): Promise<RedisApprovals> {
    return this.#approvals ??= import("../approval/redis/store.ts").then((room) =>
      new room.RedisApprovals(this.#runner)
    );
  }

  audit(): Promise<RedisAudit> {
    return this.#audit ??= import("../audit/redis/store.ts").then((room) =>
      new room.RedisAudit(this.#runner)
    );
  }

  events(): Promise<RedisEvents> {
    return this.#events ??= import("../event/redis/store.ts").then((room) =>
      new room.RedisEvents(this.#runner)
    );
  }

  get clockAheadMs(): number | undefined {
    return this.#runner.clockAheadMs;
  }

  waker(): Promise<Waker> {
    return this.#runner.waker();
  }

  async close(options: { readonly exiting?: boolean } = {}): Promise<void> {
    this.#runner.close();
    await this.connection.close(options);
  }
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
