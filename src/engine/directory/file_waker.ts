/**
 * How one process wakes another in the directory store: a waiter owns a file, watches it, and keeps it
 * locked; whoever makes its wish come true writes one byte to it.
 *
 * The lock on the file says that the waiter still lives, so a dead one is noticed by the very process
 * that would have woken it. A wake-up is only a hint: waiters look at the store again in any case, at
 * once when woken and by a slow poll when not.
 * @module
 */
import { BaseWaker } from "../waker.ts";
import { storeFailure } from "./failure.ts";
import { makePlainDirectory } from "./plain_file.ts";

/** Without file notifications a waiter looks at the store this often. */
const UNWATCHED_POLL_MS = 100;

/** What a wake-up writes, always over the one before. */
const WAKE_UP = new Uint8Array(1);

/** A file this young may belong to a process that has made it and not locked it yet. */
const YOUNG_MS = 60_000;

/** How many files of other processes stay open. */
const KEPT_OPEN = 16;

/** What {@linkcode newId} makes for a waiter. */
const WAKER_NAME = /^wtr_[0-9A-HJKMNP-TV-Z]{26}$/;

/** {@linkcode Waker} on a watched, locked file. */
export class FileWaker extends BaseWaker {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  #watcher: Deno.FsWatcher | undefined;
  #closed = false;

  /**
   * As the constructor, for a store.
   *
   * @throws {StoreUnavailableError} when no file can be made there.
   */
  static make(directory: string): FileWaker {
    try {
      return new FileWaker(directory);
    } catch (error) {
      throw storeFailure(error, directory);
    }
  }

  /** Makes a new file in `directory`, creating the directory when it is missing. */
  constructor(directory: string) {
    super();
    makePlainDirectory(directory);
    sweepDead(directory);
    this.#path = `${directory}/${this.id}`;
    this.#file = Deno.openSync(this.#path, { createNew: true, write: true, mode: 0o600 });
    try {
      this.#file.lockSync(true);
      // Claims the space that a wake-up needs, so that no operation of the one who wakes fails for want of it.
      this.#file.writeSync(WAKE_UP);
    } catch (error) {
      this.close();
      throw error;
    }
    try {
      this.#watcher = Deno.watchFs(this.#path, { recursive: false });
      this.#listen(this.#watcher);
    } catch {
      // The kernel's limit on watches is used up: polling faster keeps waiting correct, only slower.
      this.#watcher = undefined;
    }
  }

  override wait(seen: number, ms: number, signal?: AbortSignal): Promise<void> {
    const limit = this.#watcher === undefined ? Math.min(ms, UNWATCHED_POLL_MS) : ms;
    return super.wait(seen, limit, signal);
  }

  /** Stops listening and removes the file. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#watcher?.close();
    this.#file.close();
    takeAway(this.#path);
  }

  async #listen(watcher: Deno.FsWatcher): Promise<void> {
    for await (const event of watcher) {
      if (event.kind !== "modify") continue;
      this.wake();
    }
  }
}

/** Wakes the wakers of other processes. */
export class WaiterFiles {
  /** Where the wakers have their files. */
  readonly directory: string;
  /** Of those woken last: to open one again, safely, takes as long as the rest of a wake-up. */
  readonly #open = new Map<string, Deno.FsFile>();

  /** `directory` need not exist. */
  constructor(directory: string) {
    this.directory = directory;
  }

  /** Wakes the waker `id`; `false` when no live process listens to it any more. */
  wake(id: string): boolean {
    const known = this.#open.get(id);
    if (known !== undefined) {
      // Its process alone has it locked, and makes no second one of this name, so it is the right one.
      if (!known.tryLockSync(true)) {
        known.writeSync(WAKE_UP);
        return true;
      }
      this.#forget(id, known);
    }
    const file = openWaker(this.directory, id);
    if (file === undefined) return false;
    try {
      if (!isAlive(file, `${this.directory}/${id}`)) {
        file.close();
        return false;
      }
      file.writeSync(WAKE_UP);
    } catch (error) {
      file.close();
      throw error;
    }
    this.#keep(id, file);
    return true;
  }

  /** Closes the files. */
  close(): void {
    for (const [id, file] of this.#open) this.#forget(id, file);
  }

  #keep(id: string, file: Deno.FsFile): void {
    if (this.#open.size === KEPT_OPEN) this.#forget(...this.#open.entries().next().value!);
    this.#open.set(id, file);
  }

  #forget(id: string, file: Deno.FsFile): void {
    this.#open.delete(id);
    file.close();
  }
}

/** Removes the files of processes that died while they waited and that nobody has tried to wake since. */
function sweepDead(directory: string): void {
  for (const { name } of Deno.readDirSync(directory)) {
    using file = openWaker(directory, name);
    if (file !== undefined) isAlive(file, `${directory}/${name}`, YOUNG_MS);
  }
}

/** Whether a live process listens to the waker of this file. A dead one that is older than `youngMs` is taken away. */
function isAlive(file: Deno.FsFile, path: string, youngMs = 0): boolean {
  if (!file.tryLockSync(true)) return true;
  const { mtime } = file.statSync();
  if (Date.now() - (mtime?.getTime() ?? 0) >= youngMs) takeAway(path);
  return false;
}

/**
 * Opens a waker's file. The name comes from a row or from the directory itself, and either may be somebody's work: only
 * a name that a waker can have becomes part of a path, and only a regular file without a second name is opened.
 * Anything else is no waker, so no live process listens to it, and it is left where it is.
 */
export function openWaker(directory: string, id: string): Deno.FsFile | undefined {
  if (!WAKER_NAME.test(id)) return undefined;
  const path = `${directory}/${id}`;
  try {
    const info = Deno.lstatSync(path);
    if (!info.isFile || (info.nlink ?? 1) > 1) return undefined;
    const file = Deno.openSync(path, { write: true });
    const { ino, dev } = file.statSync();
    if (ino === info.ino && dev === info.dev) return file;
    file.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return undefined;
}

function takeAway(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
