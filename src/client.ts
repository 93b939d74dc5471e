/**
 * The library's front door: a client of one store, and sessions that act as one agent each.
 * @module
 */
import {
  anything,
  callback,
  type FieldTable,
  flag,
  readOptions,
  record,
  texts,
} from "./arguments.ts";
import { Agents, REGISTER_FIELDS, type RegisterOptions } from "./agent/agent.ts";
import { checkChoice, invalid } from "./check.ts";
import { type Clock, systemClock } from "./clock.ts";
import { FALLBACKS } from "./config/settings_file.ts";
import { realPath } from "./disk.ts";
import { DURABILITIES } from "./durability.ts";
import type { StoreWarning } from "./engine/warning.ts";
import { given } from "./given.ts";
import type { Fallback } from "./store_config.ts";
import { type Durability, resolveAccess, resolveConfig } from "./config.ts";
import type { RoomContext } from "./context.ts";
import { Failover } from "./failover.ts";
import { openContext } from "./open/open.ts";
import { Primitives } from "./primitive_clients.ts";
import { requireRuntime } from "./runtime.ts";
import { Session } from "./session.ts";

/** How to open a {@linkcode CoordinationClient}. */
export interface ClientOptions {
  /**
   * A directory for the state, or the URL of a Redis server: `redis:`, `rediss:`, `redis+sentinel:`,
   * `redis+cluster:` or `unix:`. Default: the project's configuration, else `.agentcoord` in the project
   * around `cwd`, which all worktrees of a git repository share.
   */
  readonly store?: string;
  /**
   * One project's state in a store; two namespaces never see each other. Default: the project's
   * configuration, else on a server `owner-name` of the repository's `origin`, else `default`.
   */
  readonly namespace?: string;
  /**
   * What a call that has returned survives in a directory: `full` also a power loss, `normal` any death of a
   * process. A Redis server has its own settings for that.
   * Default: the project's configuration, else `full`.
   */
  readonly durability?: Durability;
  /**
   * When a directory takes over from a server that cannot be reached: the project's own, `.agentcoord/fallback` in
   * the project around `cwd`, which the first write makes. `auto`: where no other site uses the server. `directory`:
   * in any case, so that two sites that are cut off from each other may both be granted one lock. `never`: calls fail
   * with {@linkcode StoreUnavailableError} meanwhile. Without meaning where the store is a directory itself; never in
   * a home directory or the root of all files. Default: the project's configuration, else `auto`.
   */
  readonly fallback?: Fallback;
  /**
   * Called with what the store finds that its user should know though the call goes well, each thing once: a
   * directory stands in for the server, the server decides again, no directory can stand in, leases of an acting
   * agent lapse soon, or a directory store is older than it was. Must not throw. Default: nobody is told.
   */
  readonly onWarning?: (warning: StoreWarning) => void;
  /** Where relative paths start and the project is looked for. Default: the working directory. */
  readonly cwd?: string;
  /**
   * Environment variables to take settings from, such as `Deno.env.toObject()`: those of the command line,
   * and `HOME` and `XDG_CONFIG_HOME`, which say where the user's own settings, passwords and trusted servers
   * are. Default: none; then a server has to be named in `store`, with its password.
   */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The host's clocks, for tests. */
  readonly clock?: Clock;
}

/** How to act as an agent. */
export interface SessionOptions extends Omit<RegisterOptions, "name"> {
  /**
   * Give signs of life in the background while the session lasts. They renew no lease: that is up to the
   * handles ({@linkcode Session.lockFile}, {@linkcode Session.claimTask}) and to the caller. Default `true`.
   */
  readonly heartbeat?: boolean;
  /**
   * What closing the session does: `deregister` releases everything the agent holds, `leave` keeps its
   * leases until they lapse, so that a later session under the same name can go on. Default `deregister`.
   */
  readonly onClose?: "deregister" | "leave";
  /**
   * Called with every background sign of life that failed; the next one is sent all the same. Default: nothing, as
   * a session that cannot reach the store hears of it from its own calls.
   */
  readonly onHeartbeatError?: (error: unknown) => void;
}

const CLIENT: FieldTable<ClientOptions> = {
  store: anything,
  namespace: anything,
  durability: anything,
  fallback: anything,
  onWarning: callback,
  cwd: anything,
  env: texts,
  clock: anything,
};
const CLOCK = record<Clock>({ nowMs: callback, monotonicMs: callback, uptimeMs: callback });
const { name: _, ...REGISTRATION } = REGISTER_FIELDS;
const SESSION: FieldTable<SessionOptions> = {
  ...REGISTRATION,
  heartbeat: flag,
  onClose: anything,
  onHeartbeatError: callback,
};

/**
 * A client of one store. It reads; to change anything, open a {@linkcode CoordinationClient.session}.
 *
 * @example
 * ```ts ignore
 * await using client = await CoordinationClient.open();
 * await using session = await client.session("ada", { role: "engineer", tags: ["backend"] });
 * ```
 */
export class CoordinationClient extends Primitives implements AsyncDisposable {
  /** What stands in for a server that cannot be reached. */
  readonly failover: Failover;
  readonly #context: RoomContext;
  readonly #sessions = new Set<Session>();

  private constructor(context: RoomContext) {
    super(context);
    this.#context = context;
    this.failover = new Failover(context);
  }

  /**
   * Opens the store, making it when it is missing; connects to a server.
   *
   * @throws {StoreUnavailableError} when it is damaged, foreign, cannot be written or cannot be reached, and in
   * any runtime but Deno 2.7 or newer.
   * @throws {InvalidArgumentError} for a bad option or configuration file.
   * @throws {DeniedError} when only the project's file names the server, and the user has not agreed to it.
   */
  static async open(options: ClientOptions = {}): Promise<CoordinationClient> {
    requireRuntime();
    const { store, namespace, durability, fallback, onWarning, ...around } = readOptions(
      CLIENT,
      options,
    );
    const { cwd = Deno.cwd(), env = {}, clock = systemClock } = around;
    if (typeof cwd !== "string") throw invalid(cwd, "cwd", "use the path of a directory");
    checkClock(clock);
    if (durability !== undefined) checkChoice(durability, "durability", DURABILITIES);
    if (fallback !== undefined) checkChoice(fallback, "fallback", FALLBACKS);
    const flags = { store, namespace, fallback };
    const config = await resolveAccess(resolveConfig({ flags, env, cwd }));
    const { standInDirectory, ...settings } = config;
    const isHome = standInDirectory !== undefined && env.HOME === undefined &&
      config.project.root === await homeDirectory();
    return new CoordinationClient(
      await openContext({
        ...settings,
        durability: durability ?? config.durability,
        clock,
        ...given({
          standInDirectory: isHome ? undefined : standInDirectory,
          // Its own trouble is none of the call's.
          onWarning: onWarning &&
            ((warning: StoreWarning) => queueMicrotask(() => onWarning(warning))),
        }),
      }),
    );
  }

  /**
   * Registers the agent `name` and acts as it until the session is disposed of.
   *
   * @throws {ConflictError} when a live agent has that name and `takeover` is not set.
   */
  async session(name: string, options: SessionOptions = {}): Promise<Session> {
    const { heartbeat, onClose = "deregister", onHeartbeatError, ...registration } = readOptions(
      SESSION,
      options,
    );
    checkChoice(onClose, "onClose", ["deregister", "leave"]);
    const actor = { name, host: Deno.hostname(), pid: Deno.pid };
    const agents = new Agents({ ...this.#context, actor });
    const agent = await agents.register({ name, ...registration });
    const session = new Session({ ...this.#context, actor }, agent, {
      heartbeat: heartbeat ?? true,
      onClose,
      onHeartbeatError: onHeartbeatError ?? (() => undefined),
      onClosed: () => this.#sessions.delete(session),
    });
    this.#sessions.add(session);
    return session;
  }

  /** Where the state lives: the store's directory, or the server's URL without secrets. */
  get location(): string {
    return this.#context.store.location;
  }

  /** Closes every session that is still open, then the store with its connections. */
  async close(): Promise<void> {
    try {
      for (const session of [...this.#sessions]) await session.close();
    } finally {
      await this.#context.store.close();
    }
  }

  /** As {@linkcode CoordinationClient.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Of the user, as the system has it: the environment is the caller's to give. */
async function homeDirectory(): Promise<string | undefined> {
  const { userInfo } = await import("node:os");
  try {
    return realPath(userInfo().homedir);
  } catch (error) {
    // Not ours to ask: then nothing is known to be a home directory.
    if (error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
}

function checkClock(clock: unknown): void {
  const { nowMs, monotonicMs } = CLOCK(clock, "clock") as Partial<Clock>;
  if (nowMs !== undefined && monotonicMs !== undefined) return;
  throw invalid(clock, "clock", "use an object with nowMs and monotonicMs");
}
