/**
 * The namespace that nobody has made yet: whoever reads finds it empty and leaves nothing behind; the first
 * operation that writes makes it.
 *
 * Reading works on an empty database in memory, so that every question is answered by the same statements
 * as anywhere else. As soon as somebody has made the namespace, this is the real one.
 * @module
 */
import { Database } from "./database.ts";
import { OpenTransaction, ReadView } from "./operation.ts";
import { DirectoryEngine } from "./engine.ts";
import { WaiterFiles } from "./file_waker.ts";
import type { EngineOptions } from "./engine_options.ts";
import { commitsOfRemoved } from "./loss.ts";
import { hasDatabase } from "./place.ts";
import { readState } from "./state_row.ts";
import type { Actor } from "../actor.ts";
import type { Waker } from "../waker.ts";
import type { Engine, Reader, Transaction } from "./transaction.ts";

/** Called with what becomes of a namespace that is not there. */
export interface MakingHooks {
  /** Somebody reads, and there is nothing to read. Called once. */
  readonly onAbsent?: () => void;
  /** It is about to be made; may throw to forbid it. */
  readonly onMake?: () => void;
  /** It has been made. */
  readonly onMade?: () => void;
}

/** How to make it. */
export interface UnmadeOptions extends EngineOptions {
  readonly hooks: MakingHooks;
  /** Makes the directories that it will lie in. */
  readonly prepare: () => void;
}

/** {@linkcode Engine} on a directory without a database yet. */
export class UnmadeEngine implements Engine {
  readonly #directory: string;
  readonly #options: UnmadeOptions;
  #opening: Promise<DirectoryEngine> | undefined;
  #engine: DirectoryEngine | undefined;
  #empty: Promise<Database> | undefined;

  /** `directory` is where the namespace will be; it need not exist. */
  constructor(directory: string, options: UnmadeOptions) {
    this.#directory = directory;
    this.#options = options;
  }

  async write<T>(actor: Actor | undefined, operation: (transaction: Transaction) => T): Promise<T> {
    return await (await this.#open()).write(actor, operation);
  }

  async writeFreeing<T>(
    actor: Actor | undefined,
    operation: (transaction: Transaction) => T,
  ): Promise<T> {
    // Without an actor it is not an act: `init` makes the store by that.
    if (actor !== undefined && this.#engine === undefined && !hasDatabase(this.#directory)) {
      const tried = await this.#tryOnNothing(operation);
      if (tried.settled) return tried.value;
    }
    return await (await this.#open()).writeFreeing(actor, operation);
  }

  /** What ends or keeps something finds nothing here, mostly: then it is answered, or refused, and nothing is made. */
  async #tryOnNothing<T>(
    operation: (transaction: Transaction) => T,
  ): Promise<{ readonly settled: true; readonly value: T } | { readonly settled: false }> {
    const db = await (this.#empty ??= Database.empty(this.#options.schema));
    db.run("BEGIN", []);
    try {
      const wakers = new WaiterFiles(`${this.#directory}/bells`);
      const state = readState(db, db.path);
      const transaction = new OpenTransaction(db, state, this.#options.clock, wakers);
      const value = operation(transaction);
      if (transaction.dirty) return { settled: false };
      this.#tellAbsence();
      return { settled: true, value };
    } finally {
      db.rollback();
    }
  }

  async read<T>(look: (reader: Reader) => T): Promise<T> {
    if (this.#engine !== undefined || hasDatabase(this.#directory)) {
      return await (await this.#open()).read(look);
    }
    if (this.#empty === undefined) {
      this.#tellAbsence();
      this.#empty = Database.empty(this.#options.schema);
    }
    const db = await this.#empty;
    return look(new ReadView(db, readState(db, db.path), this.#options.clock));
  }

  /** Whoever waits has to be found by others, so this makes the namespace. */
  async waker(): Promise<Waker> {
    return await (await this.#open()).waker();
  }

  /** As {@linkcode DirectoryEngine.clockAheadMs}; what is not there yet has no clock of its own. */
  get clockAheadMs(): number | undefined {
    return this.#engine?.clockAheadMs;
  }

  /** As {@linkcode DirectoryEngine.verifyPresence}; what was never there cannot be removed. */
  verifyPresence(): void {
    this.#engine?.verifyPresence();
  }

  /** What the embedded engine's own check of the file says; nothing is wrong with what is not there. */
  integrity(): string {
    return this.#engine?.integrity() ?? "ok";
  }

  /** Closes what was opened. */
  async close(options: { readonly exiting?: boolean } = {}): Promise<void> {
    // One that failed to open has been reported.
    await this.#opening?.catch(() => undefined);
    (await this.#empty)?.close();
    await this.#engine?.close(options);
  }

  /** Nothing was ever here, or what was here is gone. */
  #tellAbsence(): void {
    const { hooks, warn } = this.#options;
    const lostCommits = commitsOfRemoved(this.#directory);
    if (lostCommits === 0) hooks.onAbsent?.();
    else warn?.({ kind: "loss", path: this.#directory, lostCommits, removed: true });
  }

  async #open(): Promise<DirectoryEngine> {
    this.#opening ??= this.#make();
    return this.#engine = await this.#opening;
  }

  async #make(): Promise<DirectoryEngine> {
    const { hooks, prepare } = this.#options;
    if (hasDatabase(this.#directory)) {
      return await DirectoryEngine.open(this.#directory, this.#options);
    }
    hooks.onMake?.();
    prepare();
    const engine = await DirectoryEngine.open(this.#directory, this.#options);
    hooks.onMade?.();
    return engine;
  }
}
