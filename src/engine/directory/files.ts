/**
 * Whether the files a process has open are still the ones of the store.
 *
 * A directory can be removed, moved or replaced under a running process: `git clean -fdx` does it, a restored
 * backup, `rm` of a lock file that looked stale. Such a process would go on alone in files that nobody else can
 * reach, and two agents would hold one lock. So operations look, once they have the kernel lock, whether the
 * path still leads to the database that is open, and whether the lock's file has still a name. Keepers of
 * leases look every second and give theirs up at once, because whoever opens the store that is there now can be
 * granted it; waiters and followers look as often, so they end, though nobody can wake them any more.
 * @module
 */
import { StoreUnavailableError } from "../../errors.ts";
import type { KernelLock } from "./kernel_lock.ts";

/**
 * One look serves the operations of this long. An operation taken this shortly after the removal is worth as much as
 * one taken just before it: its lease is lost too, and noticed by the next.
 */
const LOOK_EVERY_MS = 5;

/** The open files of one namespace, compared with what is at their paths. */
export class StoreFiles {
  readonly #directory: string;
  readonly #database: string;
  readonly #lock: KernelLock;
  readonly #opened: Deno.FileInfo;
  #lookedAt = -Infinity;

  /** Remembers the files of `directory` that have just been opened. */
  constructor(directory: string, lock: KernelLock) {
    this.#directory = directory;
    this.#database = `${directory}/store.db`;
    this.#lock = lock;
    this.#opened = Deno.statSync(this.#database);
  }

  /**
   * Looks again, unless it has just looked: two calls of the system, about five microseconds.
   *
   * @throws {StoreUnavailableError} when the database, the directory around it, or the file of the kernel lock
   * was removed or replaced.
   */
  verify(): void {
    const now = performance.now();
    if (now - this.#lookedAt < LOOK_EVERY_MS) return;
    if (!this.#same() || this.#lock.removed()) {
      throw new StoreUnavailableError(
        `Cannot use the store: ${this.#directory} was removed or replaced while in use; ` +
          `what this process held there is lost, so start again`,
        { path: this.#directory, removed: true },
      );
    }
    this.#lookedAt = now;
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
