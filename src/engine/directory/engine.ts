/**
 * Runs atomic operations on one database file shared by many processes.
 *
 * The protocol. Every operation that writes runs under the kernel lock on `store.lock`, as one transaction
 * of the embedded engine, which recovers by itself from a process that died inside. Operations of one
 * process that are waiting together run under one hold of the lock. The kernel lock is what makes it
 * fair: the engine's own busy handler sleeps and starves some processes for seconds.
 *
 * Durability. A commit appends to the write-ahead log. With `full`, an operation's promise resolves only after
 * the log has been synced to the disk, but the sync runs after the kernel lock was released: another
 * process's operation may already build on this one, and its own sync covers both, because the log is recovered
 * as a prefix. One sync serves all the operations that a process ran under one hold of the lock.
 *
 * Now and then the log is copied into the database (checkpoint.ts).
 *
 * A process frozen inside an operation keeps the lock; others get `store_unavailable` that names it, after 10 seconds.
 *
 * Each hold of the lock begins with a look whether the files are still those of the store (files.ts); the
 * number of the newest commit is written beside the database (mark.ts).
 * @module
 */
import type { Clock } from "../../clock.ts";
import { StoreUnavailableError } from "../../errors.ts";
import { verifyBase, writeBase } from "./base.ts";
import { Checkpoint } from "./checkpoint.ts";
import type { Durability } from "../../durability.ts";
import { Database } from "./database.ts";
import type { Preamble } from "./preamble.ts";
import { OpenTransaction, ReadView } from "./operation.ts";
import { storeFailure } from "./failure.ts";
import { FileWaker, WaiterFiles } from "./file_waker.ts";
import { KernelLock } from "./kernel_lock.ts";
import { lossOf, warnOfLoss } from "./loss.ts";
import { MarkWriter, readMark } from "./mark.ts";
import { isPlainDirectory, namesIn } from "./plain_file.ts";
import { readState, type StateRow } from "./state_row.ts";
import type { EngineOptions } from "./engine_options.ts";
import { openLog, StoreFiles } from "./files.ts";
import { openDatabase, Reserve } from "./reserve.ts";
import { refuseTracked } from "./tracked.ts";
import type { Actor } from "../actor.ts";
import type { Engine, Reader, Transaction } from "./transaction.ts";

/** Longest wait for the kernel lock, when none is given. */
const LOCK_TIMEOUT_MS = 10_000;
/** Longest time one process keeps the kernel lock while it has more operations to run. */
const HOLD_MS = 4;
/** The largest log that an exiting process leaves; reading it costs the next process under a millisecond. */
const LOG_LEFT_BYTES = 256_000;
/** An act counts as a sign of life at most this often in one process. */
const BEAT_EVERY_MS = 1000;

/** What an operation gave, and whether it changed anything. */
type Committed<T> = { readonly value: T; readonly dirty: boolean };

interface Job {
  readonly run: () => boolean;
  readonly settle: () => void;
  readonly reject: (error: unknown) => void;
}

/** {@linkcode Engine} on a directory; one object per process and namespace is enough. */
export class DirectoryEngine implements Engine {
  /** How far the store's clock was ahead of the host's at the last operation, in milliseconds. */
  clockAheadMs: number | undefined;
  readonly #directory: string;
  readonly #waiters: WaiterFiles;
  readonly #durability: Durability;
  readonly #clock: Clock;
  readonly #preamble: Preamble;
  #look: EngineOptions["lookBehindFirstAct"];
  readonly #lockTimeoutMs: number;
  readonly #lock: KernelLock;
  readonly #db: Database;
  readonly #log: Deno.FsFile;
  readonly #files: StoreFiles;
  readonly #checkpoint: Checkpoint;
  readonly #marks: MarkWriter;
  readonly #reserve: Reserve;
  readonly #beats = new Map<string, number>();
  #departures = 0;
  #waker: FileWaker | undefined;
  #queue: Job[] = [];
  /** Whether the database was compared with its mark, which this process then keeps. */
  #compared = false;
  #busy = false;
  #draining: Promise<void> | undefined;
  #closed = false;

  private constructor(directory: string, db: Database, options: EngineOptions) {
    this.#directory = directory;
    this.#waiters = new WaiterFiles(`${directory}/bells`);
    this.#durability = options.durability;
    this.#clock = options.clock;
    this.#preamble = options.preamble;
    this.#look = options.lookBehindFirstAct;
    this.#lockTimeoutMs = options.lockTimeoutMs ?? LOCK_TIMEOUT_MS;
    this.#db = db;
    this.#lock = KernelLock.open(`${directory}/store.lock`);
    const mark = readMark(this.#lock);
    const commits = () => this.#state().commits;
    if (mark.kind !== "own") refuseTracked(directory);
    if (options.warn && !db.cameForward) {
      warnOfLoss(options.warn, directory, this.#lock, mark, commits());
    }
    this.#log = openLog(directory);
    this.#marks = new MarkWriter(this.#lock, db.path);
    this.#reserve = new Reserve(directory);
    verifyBase(this.#lock, db.path);
    this.#files = new StoreFiles(directory, this.#lock, this.#log, db);
    this.#checkpoint = new Checkpoint({ db, files: this.#files, lock: this.#lock, commits });
  }

  /**
   * Opens the namespace kept in `directory`, which must exist.
   *
   * @throws {StoreUnavailableError} when the files are damaged, foreign, or not writable.
   */
  static async open(directory: string, options: EngineOptions): Promise<DirectoryEngine> {
    const path = `${directory}/store.db`;
    if (namesIn(directory).has("bells")) isPlainDirectory(`${directory}/bells`);
    const db = await openDatabase(directory, options.schema);
    try {
      const engine = new DirectoryEngine(directory, db, options);
      // What an older program left has no mark; it gets one at once, so that it is not taken for a copy later.
      if (db.cameForward) await engine.write(undefined, () => undefined);
      return engine;
    } catch (error) {
      db.closeRefused();
      throw storeFailure(error, path);
    }
  }

  write<T>(actor: Actor | undefined, operation: (transaction: Transaction) => T): Promise<T> {
    return this.#enqueue(() => this.#commit(actor, operation));
  }

  writeFreeing<T>(
    actor: Actor | undefined,
    operation: (transaction: Transaction) => T,
  ): Promise<T> {
    return this.#enqueue(() =>
      this.#reserve.spend(() => this.#commit(actor, operation), () => this.#checkpoint.copyLog())
    );
  }

  #enqueue<T>(commit: () => Committed<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#refuseClosed();
      let value: T;
      this.#queue.push({
        run: () => {
          const done = commit();
          value = done.value;
          return done.dirty;
        },
        settle: () => resolve(value),
        reject,
      });
      if (this.#busy) return;
      this.#busy = true;
      // Not at once: what the program asks for in one go shares one hold of the lock and one sync.
      this.#draining = Promise.resolve().then(() => this.#drain());
    });
  }

  read<T>(look: (reader: Reader) => T): Promise<T> {
    return new Promise((resolve) => {
      this.#refuseClosed();
      this.#files.verify();
      try {
        this.#db.run("BEGIN", []);
        try {
          const reader = new ReadView(this.#db, this.#state(), this.#clock);
          this.clockAheadMs = reader.aheadMs;
          resolve(look(reader));
        } finally {
          this.#db.rollback();
        }
      } catch (error) {
        throw this.#db.failure(error);
      }
    });
  }

  /**
   * Whether the open files are still those of the store.
   *
   * @throws {StoreUnavailableError} with `details.removed` when they are not.
   */
  verifyPresence(): void {
    if (!this.#closed) this.#files.verify();
  }

  waker(): Promise<FileWaker> {
    return new Promise((resolve) => {
      this.#refuseClosed();
      if (this.#waker === undefined) this.#files.verify(); // It makes its directory.
      resolve(this.#waker ??= FileWaker.make(this.#waiters.directory));
    });
  }

  /** What the embedded engine's own check of the file says; `ok` when nothing is wrong. */
  integrity(): string {
    return this.#db.integrity();
  }

  /**
   * Waits for operations under way, then closes every file. Closing the last connection copies the log into
   * the database, syncs both and deletes the log; a process that is `exiting` leaves a small log to the
   * next one instead, as one that is killed does: that saves a one-shot call four syncs.
   */
  async close({ exiting = false }: { readonly exiting?: boolean } = {}): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#waker?.close();
    await this.#draining;
    this.#waiters.close();
    this.#marks.close();
    const logBytes = this.#log.statSync().size;
    if (exiting && logBytes < LOG_LEFT_BYTES) return;
    // Whoever holds the lock now may be the one who copies next; it is not waited for.
    const intact = this.#files.intact();
    if (intact && logBytes > 0 && this.#lock.tryAcquire()) {
      try {
        this.#checkpoint.copyLog();
      } finally {
        this.#lock.release();
      }
    }
    this.#log.close();
    this.#lock.close();
    // The engine would copy the log that was there into the database, and delete the one that is there now: the
    // connection stays open as long as the process lives.
    if (!intact) return;
    this.#db.close();
    this.#files.closed(this.#db);
  }

  /** Runs queued operations until none is left, releasing the kernel lock every {@linkcode HOLD_MS}. */
  async #drain(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        this.#files.verify(); // Mostly serves under the lock, too, and keeps nobody waiting for it.
        if (!this.#lock.tryAcquire()) await this.#lock.acquire(this.#lockTimeoutMs);
        const written: Job[] = [];
        try {
          this.#files.verify();
          this.#checkpoint.finish();
          this.#runQueued(written);
          this.#marks.endHold();
          if (written.length > 0) this.#files.wrote();
        } finally {
          this.#lock.release();
        }
        if (written.length > 0) this.#settle(written);
        this.#checkpoint.begin();
      }
    } catch (error) {
      const failure = this.#db.failure(error);
      for (const job of this.#queue.splice(0)) job.reject(failure);
    } finally {
      this.#busy = false;
    }
  }

  #runQueued(written: Job[]): void {
    const until = this.#clock.monotonicMs() + HOLD_MS;
    let done = 0;
    for (const job of this.#queue) {
      done++;
      try {
        if (job.run()) written.push(job);
        else job.settle();
      } catch (error) {
        job.reject(this.#db.failure(error));
      }
      if (this.#clock.monotonicMs() >= until) break;
    }
    this.#queue = this.#queue.slice(done);
  }

  /**
   * Makes what these jobs wrote as durable as promised, then answers them. The sync runs in place: handing it
   * to a thread of the runtime and back takes about as long again.
   */
  #settle(jobs: readonly Job[]): void {
    try {
      if (this.#durability === "full") this.#log.syncDataSync();
    } catch (error) {
      for (const job of jobs) job.reject(this.#db.failure(error));
      return;
    }
    for (const job of jobs) job.settle();
  }

  /**
   * Compares the database with its mark, once in a process, and leaves a gap in the numbers when the newest commits
   * may be missing. Going on harms less than refusing: what is gone does not come back by waiting, leases and
   * tasks that are left are sound, and no fence is given out twice.
   */
  #compare(transaction: OpenTransaction): void {
    const found = readMark(this.#lock);
    const loss = lossOf(found, transaction.commits);
    if (loss === undefined) return;
    transaction.leaveGap(found.kind === "none" ? undefined : found.mark);
    writeBase(this.#lock, this.#db.path, Database.commitsWithoutLog(this.#db.path) ?? 0);
    if (this.#db.cameForward) return;
    const { copied, lostCommits } = loss;
    this.#preamble.restored(transaction, { cause: copied ? "copy" : "behind", lostCommits });
  }

  #commit<T>(
    actor: Actor | undefined,
    operation: (transaction: Transaction) => T,
  ): Committed<T> {
    this.#db.run("BEGIN IMMEDIATE", []);
    let open = true;
    try {
      const transaction = new OpenTransaction(this.#db, this.#state(), this.#clock, this.#waiters);
      this.clockAheadMs = transaction.aheadMs;
      if (!this.#compared) this.#compare(transaction);
      const beating = actor !== undefined && this.#beatDue(actor, transaction);
      if (beating) this.#preamble.heartbeat(transaction, actor);
      const value = operation(transaction);
      if (actor !== undefined && this.#look !== undefined) {
        this.#look(transaction, actor);
        this.#look = undefined;
      }
      const mark = transaction.dirty ? transaction.save() : undefined;
      this.#db.run("COMMIT", []);
      open = false;
      if (!this.#compared) this.#reserve.refill();
      this.#compared = true;
      if (mark !== undefined) {
        this.#marks.note(mark);
        this.#checkpoint.afterCommit(mark.commits);
      }
      if (beating) this.#beats.set(actor.name, transaction.nowMs);
      return { value, dirty: transaction.dirty };
    } finally {
      if (open) this.#db.rollback();
    }
  }

  #refuseClosed(): void {
    if (!this.#closed) return;
    throw new StoreUnavailableError(
      `Cannot use the store: ${this.#directory} has been closed by this program; open it again`,
      { path: this.#directory },
    );
  }

  #beatDue({ name }: Actor, reader: Reader): boolean {
    const departures = this.#preamble.departures(reader);
    if (departures !== this.#departures) {
      // Somebody left, perhaps from another process: an act from now on registers it again.
      this.#beats.clear();
      this.#departures = departures;
    }
    return reader.nowMs - (this.#beats.get(name) ?? -Infinity) >= BEAT_EVERY_MS;
  }

  #state(): StateRow {
    return readState(this.#db, `${this.#directory}/store.db`);
  }
}
