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
import type { DirectoryAgents } from "../agent/directory/store.ts";
import type { DirectoryApprovals } from "../approval/directory/store.ts";
import type { DirectoryAudit } from "../audit/directory/store.ts";
import type { DirectoryBoard } from "../board/directory/store.ts";
import type { DirectoryEvents } from "../event/directory/store.ts";
import type { DirectoryLocks } from "../lock/directory/store.ts";
import type { DirectoryTasks } from "../task/directory/store.ts";
import type { Waker } from "../engine/waker.ts";
import type { Durability } from "../engine/directory/database.ts";
import { DirectoryEngine } from "../engine/directory/engine.ts";
import { isUnmade, makeHome, namespaceHome } from "../engine/directory/place.ts";
import { isPlainDirectory } from "../engine/directory/plain_file.ts";
import type { Store } from "../store.ts";
import type { Actor } from "../engine/actor.ts";
import type { Reader } from "../engine/directory/transaction.ts";
import type { Warn } from "../engine/warning.ts";
import { type MakingHooks, UnmadeEngine } from "../engine/directory/unmade_engine.ts";
import { PREAMBLE } from "./preamble.ts";
import { SCHEMA } from "./schema.ts";

/** How to open a {@linkcode DirectoryStore}. */
export interface DirectoryOptions {
  readonly namespace: string;
  readonly durability: Durability;
  readonly clock: Clock;
  /** Leaves what is missing to the first step that writes. Default: it is made at once. */
  readonly making?: MakingHooks | undefined;
  /** Is told of what the store finds. */
  readonly warn?: Warn | undefined;
}

/** {@linkcode Store} in a directory. */
export class DirectoryStore implements Store {
  readonly kind = "directory";
  readonly location: string;
  readonly #engine: DirectoryEngine | UnmadeEngine;
  #locks: Promise<DirectoryLocks> | undefined;
  #agents: Promise<DirectoryAgents> | undefined;
  #tasks: Promise<DirectoryTasks> | undefined;
  #board: Promise<DirectoryBoard> | undefined;
  #approvals: Promise<DirectoryApprovals> | undefined;
  #audit: Promise<DirectoryAudit> | undefined;
  #events: Promise<DirectoryEvents> | undefined;

  private constructor(location: string, engine: DirectoryEngine | UnmadeEngine) {
    this.location = location;
    this.#engine = engine;
  }

  /**
   * Opens `namespace` in `directory`, making both when they are missing: at once, or, with `making`, when the
   * first step writes.
   *
   * @throws {StoreUnavailableError} when the directory holds other people's files, or its files are
   * damaged, foreign, made by a newer version, or not writable.
   */
  static async open(
    directory: string,
    { namespace, durability, clock, making, warn }: DirectoryOptions,
  ): Promise<DirectoryStore> {
    const home = namespaceHome(directory, namespace);
    const parts = { durability, clock, warn, schema: SCHEMA, preamble: PREAMBLE };
    const prepare = () => makeHome(directory, home);
    if (making !== undefined && isUnmade(directory, home)) {
      // Nobody holds anything there, so nothing looks for leases.
      // Whoever looks into another namespace of a store that is there finds it empty, as on a server.
      const hooks = isPlainDirectory(`${directory}/namespaces`) ? {} : making;
      return new DirectoryStore(directory, new UnmadeEngine(home, { ...parts, hooks, prepare }));
    }
    prepare();
    const lookBehindFirstAct = warn && await lookForLapsing(warn);
    const engine = await DirectoryEngine.open(home, { ...parts, lookBehindFirstAct });
    return new DirectoryStore(directory, engine);
  }

  locks(): Promise<DirectoryLocks> {
    return this.#locks ??= import("../lock/directory/store.ts").then((room) =>
      new room.DirectoryLocks(this.#engine)
    );
  }

  agents(): Promise<DirectoryAgents> {
    return this.#agents ??= import("../agent/directory/store.ts").then((room) =>
      new room.DirectoryAgents(this.#engine)
    );
  }

  tasks(): Promise<DirectoryTasks> {
    return this.#tasks ??= import("../task/directory/store.ts").then((room) =>
      new room.DirectoryTasks(this.#engine)
    );
  }

  board(): Promise<DirectoryBoard> {
    return this.#board ??= import("../board/directory/store.ts").then((room) =>
      new room.DirectoryBoard(this.#engine)
    );
  }

  approvals(): Promise<DirectoryApprovals> {
    return this.#approvals ??= import("../approval/directory/store.ts").then((room) =>
      new room.DirectoryApprovals(this.#engine)
    );
  }

  audit(): Promise<DirectoryAudit> {
    return this.#audit ??= import("../audit/directory/store.ts").then((room) =>
      new room.DirectoryAudit(this.#engine)
    );
  }

  events(): Promise<DirectoryEvents> {
    return this.#events ??= import("../event/directory/store.ts").then((room) =>
      new room.DirectoryEvents(this.#engine)
    );
  }

  get clockAheadMs(): number | undefined {
    return this.#engine.clockAheadMs;
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
    // Told outside the transaction, and still before the step's caller goes on.
    if (leases.length > 0) queueMicrotask(() => warn({ kind: "lapsing", agent: name, leases }));
  };
}
