/**
 * The directory store: one namespace's state in files that every process on the host shares.
 *
 * ```text
 * <directory>/                    mode 0700, kept out of git by its own .gitignore
 *   config.json                   settings of the project, if there are any
 *   namespaces/<namespace>/
 *     store.db (-wal, -shm)       the state: one embedded transactional database
 *     store.lock                  the kernel lock in front of it
 *     bells/<id>                  the waker's file of each waiting process
 * ```
 * @module
 */
import type { Clock } from "../clock.ts";
import type { Waker } from "../engine/waker.ts";
import type { Durability } from "../durability.ts";
import { DirectoryEngine } from "../engine/directory/engine.ts";
import { isUnmade, makeHome, makeOutageHome, namespaceHome } from "../engine/directory/place.ts";
import { isPlainDirectory } from "../engine/directory/plain_file.ts";
import type { Store } from "../store.ts";
import { opensOnce, PrimitiveStore, type Wings } from "./primitive_store.ts";
import type { Actor } from "../engine/actor.ts";
import type { Engine, Reader } from "../engine/directory/transaction.ts";
import type { Warn } from "../engine/warning.ts";
import { type MakingHooks, UnmadeEngine } from "../engine/directory/unmade_engine.ts";
import { PREAMBLE } from "./preamble.ts";
import { SCHEMA } from "./schema.ts";

/** How to open a {@linkcode DirectoryStore}. */
export interface DirectoryOptions {
  readonly namespace: string;
  readonly durability: Durability;
  readonly clock: Clock;
  /** Leaves what is missing to the first operation that writes. Default: it is made at once. */
  readonly making?: MakingHooks | undefined;
  /** Called with what the store finds. */
  readonly warn?: Warn | undefined;
  /** Whether an agent acts: then `warn` is called for its leases that soon lapse, too. Default `true`. */
  readonly acts?: boolean;
  /**
   * Opens the database that stands in for a server during one outage, instead of the namespace's own: it lies in
   * `home`, which is made with what is above it, and it journals what is changed.
   */
  readonly outage?: { readonly home: string } | undefined;
}

/** The wings of this engine. */
const WINGS: Wings<Engine> = {
  locks: async (engine) => new (await import("../lock/directory/store.ts")).DirectoryLocks(engine),
  agents: async (engine) =>
    new (await import("../agent/directory/store.ts")).DirectoryAgents(engine),
  tasks: async (engine) => new (await import("../task/directory/store.ts")).DirectoryTasks(engine),
  board: async (engine) => new (await import("../board/directory/store.ts")).DirectoryBoard(engine),
  approvals: async (engine) =>
    new (await import("../approval/directory/store.ts")).DirectoryApprovals(engine),
  audit: async (engine) => new (await import("../audit/directory/store.ts")).DirectoryAudit(engine),
  events: async (engine) =>
    new (await import("../event/directory/store.ts")).DirectoryEvents(engine),
};

/** {@linkcode Store} in a directory. */
export class DirectoryStore extends PrimitiveStore implements Store {
  readonly kind = "directory";
  readonly location: string;
  /** What the operations run on, for those who move records into or out of this store. */
  readonly engine: Engine;
  readonly #engine: DirectoryEngine | UnmadeEngine;

  private constructor(location: string, engine: DirectoryEngine | UnmadeEngine) {
    super(opensOnce(WINGS, engine));
    this.location = location;
    this.engine = engine;
    this.#engine = engine;
  }

  /**
   * Opens `namespace` in `directory`, making both when they are missing: at once, or, with `making`, when the
   * first operation writes.
   *
   * @throws {StoreUnavailableError} when the directory holds other people's files, or its files are
   * damaged, foreign, made by a newer version, or not writable.
   */
  static async open(
    directory: string,
    { namespace, durability, clock, making, warn, acts = true, outage }: DirectoryOptions,
  ): Promise<DirectoryStore> {
    const lookBehindFirstAct = acts && warn ? await lookForLapsing(warn) : undefined;
    if (outage !== undefined) {
      makeOutageHome(outage.home);
      const { OUTAGE_SCHEMA: schema } = await import("./failover/schema.ts");
      const options = { durability, clock, warn, schema, preamble: PREAMBLE, lookBehindFirstAct };
      return new DirectoryStore(directory, await DirectoryEngine.open(outage.home, options));
    }
    const home = namespaceHome(directory, namespace);
    const parts = { durability, clock, warn, schema: SCHEMA, preamble: PREAMBLE };
    const prepare = () => makeHome(directory, home);
    // What has a database was made as a whole, and has just been looked at.
    if (making === undefined) prepare();
    else if (isUnmade(directory, home)) {
      // Nobody holds anything there, so nothing looks for leases.
      // Whoever looks into another namespace of a store that is there finds it empty, as on a server.
      const hooks = isPlainDirectory(`${directory}/namespaces`) ? {} : making;
      return new DirectoryStore(directory, new UnmadeEngine(home, { ...parts, hooks, prepare }));
    }
    const engine = await DirectoryEngine.open(home, { ...parts, lookBehindFirstAct });
    return new DirectoryStore(directory, engine);
  }

  get clockAheadMs(): number | undefined {
    return this.#engine.clockAheadMs;
  }

  verifyPresence(): void {
    this.#engine.verifyPresence();
  }

  waker(): Promise<Waker> {
    return this.#engine.waker();
  }

  /** What the embedded engine's own check of the file says; `ok` when nothing is wrong. */
  integrity(): string {
    return this.#engine.integrity();
  }

  async close(options: { readonly exiting?: boolean } = {}): Promise<void> {
    await this.#engine.close(options);
  }
}

async function lookForLapsing(warn: Warn) {
  const { lapsingHeld } = await import("../agent/directory/held.ts");
  return (reader: Reader, { name }: Actor) => {
    const leases = lapsingHeld(reader, name);
    // Called outside the transaction, and still before the operation's caller goes on.
    if (leases.length > 0) queueMicrotask(() => warn({ kind: "lapsing", agent: name, leases }));
  };
}
