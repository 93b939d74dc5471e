/**
 * Whether the files a process has open are still the ones of the store.
 *
 * A directory can be removed, moved or replaced under a running process: `git clean -fdx` does it, a restored
 * backup, `rm` of a lock file or a log that looked stale. Such a process would go on alone in files that nobody else
 * can reach, and two agents would hold one lock. So operations look, once they have the kernel lock, whether the
 * paths still lead to the database, its log and the log's index that are open, and whether the lock's file has still
 * a name. Keepers of leases look every second and give theirs up at once, because whoever opens the store that is
 * there now can be granted it; waiters and followers look as often, so they end, though nobody can wake them any more.
 *
 * A look costs in calls of the system, and every change of owner of a contended lock pays for two. Whatever is removed,
 * moved or put in a place changes the time of the directory around it. So for a tenth of a second after a look at all
 * four files, one at the directory and at the length of the log says as much, and their own are looked at when it
 * says anything else: some file systems keep no such time, or a coarse one.
 *
 * The engine deletes the log and its index only when the last connection closes
 * (https://www.sqlite.org/walformat.html), and never makes them shorter as we use it: a log that starts again
 * is written over from its beginning. So while a connection is open, both stay, and do not shrink.
 * @module
 */
import { StoreUnavailableError } from "../../errors.ts";
import type { KernelLock } from "./kernel_lock.ts";
import { openPlainFile } from "./plain_file.ts";

/**
 * One look serves the operations of this long. An operation taken this shortly after the removal is worth as much as
 * one taken just before it: its lease is lost too, and noticed by the next.
 */
const LOOK_EVERY_MS = 5;

/** For so long after a look at every file, a look at the directory around them does. */
const LOOK_AT_ALL_EVERY_MS = 100;

/** Longer than the steps in which a kernel counts the times of files. */
const SETTLED_MS = 20;

/** What one process has open of one database. */
interface Opened {
  readonly log: OpenFile;
  readonly index: OpenFile;
  /** Never collected before they are closed: that would close them, and the last one deletes the log. */
  readonly connections: Set<object>;
}

/** By the database's own identity: the engine has one index of the log for all connections of a process. */
const OPENED = new Map<string, Opened>();

/** A file as it was when it was opened. */
class OpenFile {
  readonly path: string;
  readonly id: string;
  #bytes: number;

  constructor(path: string, info: Deno.FileInfo) {
    this.path = path;
    this.id = idOf(info);
    this.#bytes = info.size;
  }

  /** It has had at least this size. */
  get bytes(): number {
    return this.#bytes;
  }

  /** It has this size now. */
  grew(bytes: number): void {
    if (bytes > this.#bytes) this.#bytes = bytes;
  }

  /** Whether the path leads to it, and it is as long as it was. */
  stands(): boolean {
    const info = infoOf(this.path);
    if (info === undefined || idOf(info) !== this.id || info.size < this.#bytes) return false;
    this.#bytes = info.size;
    return true;
  }
}

/** The open files of one namespace, compared with what is at their paths. */
export class StoreFiles {
  readonly #directory: string;
  readonly #database: { readonly path: string; readonly id: string };
  readonly #log: Deno.FsFile;
  readonly #lock: KernelLock;
  readonly #opened: Opened;
  #lookedAt = -Infinity;
  #lookedAtAllAt = -Infinity;
  /** The directory as it was at the last look at every file. */
  #seen: string | undefined;
  #measuredAt = -Infinity;

  /**
   * Remembers the files of `directory` that have just been opened, and read from once.
   *
   * @throws {StoreUnavailableError} when one of them is already gone.
   */
  constructor(directory: string, lock: KernelLock, log: Deno.FsFile, connection: object) {
    const path = `${directory}/store.db`;
    const info = infoOf(path);
    const index = infoOf(`${path}-shm`);
    if (info === undefined) throw gone(directory);
    if (index === undefined) throw gone(`${path}-shm`);
    this.#directory = directory;
    this.#database = { path, id: idOf(info) };
    this.#log = log;
    this.#lock = lock;
    let opened = OPENED.get(this.#database.id);
    if (opened === undefined) {
      opened = {
        log: new OpenFile(`${path}-wal`, log.statSync()),
        index: new OpenFile(`${path}-shm`, index),
        connections: new Set(),
      };
      OPENED.set(this.#database.id, opened);
    }
    this.#opened = opened;
    opened.connections.add(connection);
  }

  /**
   * Looks again, unless it has just looked: two calls of the system, about four microseconds, or six.
   *
   * @throws {StoreUnavailableError} when the database, its log, the log's index, the directory around them, or the
   * file of the kernel lock was removed or replaced, or the log was cut.
   */
  verify(): void {
    const now = performance.now();
    if (now - this.#lookedAt < LOOK_EVERY_MS) return;
    if (now - this.#lookedAtAllAt >= LOOK_AT_ALL_EVERY_MS || !this.#untouched()) {
      // Before the files: what changes meanwhile is seen by the next look.
      const directory = settledState(this.#directory);
      const missing = this.#missing();
      if (missing !== undefined) throw gone(missing);
      this.#seen = directory;
      this.#lookedAtAllAt = now;
    }
    this.#lookedAt = now;
    this.#measuredAt = now;
  }

  /** Whether all is as it was, looked at now. */
  intact(): boolean {
    return this.#missing() === undefined;
  }

  /** Called after a commit: the log is at least this long from now on. */
  wrote(): void {
    const now = performance.now();
    const { log } = this.#opened;
    if (log.bytes > 0 && now - this.#measuredAt < LOOK_EVERY_MS) return;
    log.grew(this.#logBytes());
    this.#measuredAt = now;
  }

  /** Called when this connection was closed. */
  closed(connection: object): void {
    const { connections } = this.#opened;
    connections.delete(connection);
    if (connections.size === 0) OPENED.delete(this.#database.id);
  }

  /** Whether nothing came, went or was cut since the last look at every file. */
  #untouched(): boolean {
    if (this.#seen === undefined || stateOf(this.#directory) !== this.#seen) return false;
    const { log } = this.#opened;
    const bytes = this.#logBytes();
    if (bytes < log.bytes) return false;
    log.grew(bytes);
    return true;
  }

  /** Nobody reads or writes the log through this file, so it may point anywhere: a seek costs a quarter of a look. */
  #logBytes(): number {
    return this.#log.seekSync(0, Deno.SeekMode.End);
  }

  #missing(): string | undefined {
    const info = infoOf(this.#database.path);
    if (info === undefined || idOf(info) !== this.#database.id) return this.#directory;
    if (this.#lock.removed()) return this.#directory;
    const { log, index } = this.#opened;
    return [log, index].find((file) => !file.stands())?.path;
  }
}

/**
 * Opens the log of a database that is open: the engine has made it.
 *
 * @throws {StoreUnavailableError} when it was removed since.
 */
export function openLog(directory: string): Deno.FsFile {
  const path = `${directory}/store.db-wal`;
  const log = openPlainFile(path);
  if (log === undefined) throw gone(path);
  return log;
}

/**
 * Whether this process has the database at `path` open.
 *
 * @throws {StoreUnavailableError} when it has, and its log or the log's index is not the one that is there now: the
 * engine would read the one with the other.
 */
export function isOpenHere(path: string): boolean {
  if (OPENED.size === 0) return false;
  const info = infoOf(path);
  const opened = info && OPENED.get(idOf(info));
  if (opened === undefined) return false;
  for (const file of [opened.log, opened.index]) if (!file.stands()) throw gone(file.path);
  return true;
}

function gone(path: string): StoreUnavailableError {
  return new StoreUnavailableError(
    `Cannot use the store: ${path} was removed or replaced while in use; ` +
      `what this process held there is lost, so start again`,
    { path, removed: true },
  );
}

function idOf({ dev, ino }: Deno.FileInfo): string {
  return `${dev}:${ino}`;
}

/** Which directory it is, and when a name in it last changed; nothing where that is not known. */
function stateOf(path: string): string | undefined {
  const info = infoOf(path);
  return info?.mtime ? `${idOf(info)} ${info.mtime.getTime()}` : undefined;
}

/** The same, unless it has just changed: the next change might get the same time. */
function settledState(path: string): string | undefined {
  const changed = infoOf(path)?.mtime?.getTime() ?? Infinity;
  return Date.now() - changed >= SETTLED_MS ? stateOf(path) : undefined;
}

function infoOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return undefined;
    }
    throw error;
  }
}
