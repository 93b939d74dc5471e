/**
 * Copying the write-ahead log into the database (a checkpoint), every {@linkcode CHECKPOINT_EVERY} commits, by whoever
 * makes that commit: first beside the other processes' operations, then the small rest under the kernel lock, which
 * lets the log start again from its beginning.
 *
 * Whatever stops it, such as a full disk, the log keeps every commit: no operation fails for it, and it is tried again.
 * @module
 */
import { CoordError } from "../../errors.ts";
import { writeBase } from "./base.ts";
import type { Database } from "./database.ts";
import type { StoreFiles } from "./files.ts";
import type { KernelLock } from "./kernel_lock.ts";

/** Commits between checkpoints: about 8 MB of log. */
const CHECKPOINT_EVERY = 1024;

/** What a {@linkcode Checkpoint} works with. */
export interface CheckpointOptions {
  readonly db: Database;
  readonly files: StoreFiles;
  readonly lock: KernelLock;
  /** How many commits the store has had. */
  readonly commits: () => number;
}

/** The checkpoints that one process makes. */
export class Checkpoint {
  readonly #options: CheckpointOptions;
  /** What is to be done: all of it, or the rest that needs the lock. */
  #due: "all" | "rest" | undefined;

  /** Nothing is due yet. */
  constructor(options: CheckpointOptions) {
    this.#options = options;
  }

  /** Notes a commit by its number: every so many, a checkpoint is due. */
  afterCommit(commits: number): void {
    if (commits % CHECKPOINT_EVERY === 0) this.#due = "all";
  }

  /** Copies the rest, where it is due; under the kernel lock. */
  finish(): void {
    if (this.#due !== "rest") return;
    this.copyLog();
    this.#due = undefined;
  }

  /** Copies most of the log, where that is due; without the kernel lock. */
  begin(): void {
    if (this.#due !== "all") return;
    const { db } = this.#options;
    try {
      db.checkpoint();
      // What is written beside the copying is not seen by it, so the rest is always looked at.
      this.#due = "rest";
    } catch (error) {
      if (!(db.failure(error) instanceof CoordError)) throw error;
    }
  }

  /** Copies what is left of the log, under the kernel lock, and notes that the database is then complete. */
  copyLog(): void {
    const { db, files, lock, commits } = this.#options;
    try {
      files.verify();
      if (db.checkpoint()) writeBase(lock, db.path, commits());
    } catch (error) {
      if (!(db.failure(error) instanceof CoordError)) throw error;
    }
  }
}
