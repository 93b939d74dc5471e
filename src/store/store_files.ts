/**
 * Whether the files a process has open are still the ones of the store.
 *
 * A directory can be removed, moved or replaced under a running process: `git clean -fdx` does it, a restored
 * backup, `rm` of a lock file that looked stale. Such a process would go on alone in files that nobody else can
 * reach, and two agents would hold one lock. So each step looks, once it has the kernel lock, whether the
 * path still leads to the database that is open, and whether the lock's file has still a name. Keepers then
 * see renewals fail and give their lease up before it can lapse; waiters and followers look at the store by
 * themselves every second, so they end, though nobody can ring their bells any more.
 * @module
 */
import { StoreUnavailableError } from "../errors.ts";
import type { KernelLock } from "./kernel_lock.ts";

/** The open files of one namespace, compared with what is at their paths. */
export class StoreFiles {
  readonly #directory: string;
  readonly #database: string;
  readonly #lock: KernelLock;
  readonly #opened: Deno.FileInfo;

  /** Remembers the files of `directory` that have just been opened. */
  constructor(directory: string, lock: KernelLock) {
    this.#directory = directory;
    this.#database = `${directory}/store.db`;
    this.#lock = lock;
    this.#opened = Deno.statSync(this.#database);
  }

  /**
   * Looks again: two calls of the system, about four microseconds.
   *
   * @throws {StoreUnavailableError} when the database, the directory around it, or the file of the kernel lock
   * was removed or replaced.
   */
  verify(): void {
    if (!this.#same() || this.#lock.removed()) {
      throw new StoreUnavailableError(
        `Cannot use the store: ${this.#directory} was removed or replaced while in use; ` +
          `what this process held there is lost, so start again`,
        { path: this.#directory },
      );
    }
  }

  #same(): boolean {
    try {
      const { ino, dev } = Deno.statSync(this.#database);
      return ino === this.#opened.ino && dev === this.#opened.dev;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
        return false;
      }
      throw error;
    }
  }
}
