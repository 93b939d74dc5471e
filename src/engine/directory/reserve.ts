/**
 * What a namespace keeps of its disk for the day that is full: a file that is given up then, piece by piece, so
 * that what ends a lease or keeps it alive still works.
 *
 * A full disk refuses the pages that a commit appends to the log. First the log is copied into the database, which
 * lets it start again from its beginning, where it needs no room. When that does not do, or cannot be done
 * because the database would grow, the file is cut by a piece, and the operation is tried again at once: whoever
 * filled the disk may take what is left of the piece, and not the pieces that are still there. Later, when there
 * is room again, the first operation of a process makes the file whole.
 *
 * Who changes the file holds the kernel lock.
 * @module
 */
import { CoordError } from "../../errors.ts";
import { Database } from "./database.ts";
import { isDiskFull, isOverQuota, storeFailure } from "./failure.ts";
import { KernelLock } from "./kernel_lock.ts";
import type { Schema } from "./schema.ts";
import { lookAtFile, openOrMakePlainFile, openPlainFile } from "./plain_file.ts";

/** Size of the file. */
export const RESERVE_BYTES = 1_048_576;
/** What is given up at once: about what one operation needs; one that deals with hundreds of leases takes several. */
const PIECE_BYTES = 16_384;
/** What opening a store needs: the index of its log is made with this size. */
const OPENING_BYTES = 32_768;
/** Opening leaves this much to those who then end something. */
const KEPT_FROM_OPENING_BYTES = RESERVE_BYTES / 2;
/** Longest wait for the kernel lock then. */
const OPENING_TIMEOUT_MS = 10_000;
/** The most that one call of the system's generator gives. */
const RANDOM_BYTES = 65_536;

/** The file of one namespace. */
export class Reserve {
  readonly #path: string;

  /** `directory` is the namespace's. */
  constructor(directory: string) {
    this.#path = `${directory}/store.reserve`;
  }

  /**
   * Runs an operation, and again as long as the disk is full and there is something left to make room with. `copyLog`
   * copies the log into the database.
   */
  spend<T>(operation: () => T, copyLog: () => void): T {
    for (let tries = 0;; tries++) {
      try {
        return operation();
      } catch (error) {
        if (!isDiskFull(error) && !isOverQuota(error, this.#path)) throw error;
        // Not again with a piece: a database that grows would use it up, and the log still could not start anew.
        if (tries === 0) copyLog();
        else if (!this.#giveUp(PIECE_BYTES, 0)) throw error;
      }
    }
  }

  /** Makes room for opening the store; `false` when there is none left for that. Only who holds the lock may. */
  spendOnOpening(): boolean {
    return this.#giveUp(OPENING_BYTES, KEPT_FROM_OPENING_BYTES);
  }

  /** Makes the file whole, if there is room for it; whatever stops that, the operation that was done stands. */
  refill(): void {
    try {
      const size = this.#size();
      if (size < RESERVE_BYTES) this.#fill(size);
    } catch (error) {
      if (!(storeFailure(error, this.#path) instanceof CoordError)) throw error;
    }
  }

  #fill(size: number): void {
    using file = openOrMakePlainFile(this.#path);
    try {
      file.seekSync(size, Deno.SeekMode.Start);
      for (let at = size; at < RESERVE_BYTES;) {
        // Not zeros: some file systems keep no room for those.
        const bytes = new Uint8Array(Math.min(RANDOM_BYTES, RESERVE_BYTES - at));
        at += file.writeSync(crypto.getRandomValues(bytes));
      }
    } catch (error) {
      // What could be had of it is left to those who need it now.
      file.truncateSync(size);
      throw error;
    }
  }

  #giveUp(bytes: number, keptBytes: number): boolean {
    const size = this.#size();
    if (size <= keptBytes) return false;
    using file = openPlainFile(this.#path);
    file?.truncateSync(Math.max(keptBytes, size - bytes));
    return file !== undefined;
  }

  #size(): number {
    return lookAtFile(this.#path)?.size ?? 0;
  }
}

/**
 * Opens the database of a namespace. That makes the index of its log, which a full disk may have no room for.
 *
 * @throws {StoreUnavailableError} as {@linkcode Database.open}
 */
export async function openDatabase(directory: string, schema: Schema): Promise<Database> {
  const path = `${directory}/store.db`;
  try {
    return await Database.open(path, schema);
  } catch (error) {
    if (!isDiskFull(error) || lookAtFile(path, 2) === undefined) throw error;
    const lock = KernelLock.open(`${directory}/store.lock`);
    try {
      await lock.acquire(OPENING_TIMEOUT_MS);
      if (!new Reserve(directory).spendOnOpening()) throw error;
    } finally {
      lock.close();
    }
    return await Database.open(path, schema);
  }
}
