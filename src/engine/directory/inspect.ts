/**
 * A look at a directory store from outside: nothing is created, migrated or repaired, and every obstacle
 * is part of the answer.
 * @module
 */
import { given } from "../../given.ts";
import { statfsSync } from "node:fs";
import { CoordError } from "../../errors.ts";
import { openWaker } from "./file_waker.ts";
import { Database } from "./database.ts";
import { namespaceHome, refuseForeign, refuseOddFiles } from "./place.ts";
import { storeFailure } from "./failure.ts";
import { KernelLock, lockHolders } from "./kernel_lock.ts";
import { commitsOfRemoved, lossOf } from "./loss.ts";
import { type MarkFound, readMark } from "./mark.ts";
import { isPlainDirectory, lookAtFile } from "./plain_file.ts";
import type { Schema } from "./schema.ts";
import { isTracked } from "./tracked.ts";
import type { Reader } from "./transaction.ts";

/** How long the kernel lock may be away before it counts as held: operations take milliseconds. */
const LOCK_PATIENCE_MS = 1000;

/** File systems by the number statfs(2) gives; the shared ones are marked. */
const FILE_SYSTEMS: ReadonlyMap<number, { readonly name: string; readonly shared?: true }> =
  new Map([
    [0xef53, { name: "ext4" }],
    [0x58465342, { name: "xfs" }],
    [0x9123683e, { name: "btrfs" }],
    [0x01021994, { name: "tmpfs" }],
    [0x794c7630, { name: "overlay" }],
    [0x2fc12fc1, { name: "zfs" }],
    [0x6969, { name: "nfs", shared: true }],
    [0xff534d42, { name: "cifs", shared: true }],
    [0xfe534d42, { name: "smb2", shared: true }],
    [0x01021997, { name: "9p", shared: true }],
    [0x65735546, { name: "fuse", shared: true }],
  ]);

/** The disk under a store. */
export interface DiskFacts {
  /** Kind of file system, as far as it is known. */
  readonly fileSystem: string;
  /** Whether other hosts may write to it as well. */
  readonly shared: boolean;
  /** Space left for this user. */
  readonly freeBytes: number;
  /** Whether files there can be watched, and why not. */
  readonly watch: { readonly ok: boolean; readonly detail: string };
}

/** The files of one namespace. */
export interface FileFacts {
  /** Size of the database without its log. */
  readonly databaseBytes: number;
  /** Size of the log. */
  readonly logBytes: number;
  /** Permission bits of the store's directory; absent where there are none. */
  readonly mode?: number;
  /** Files and directories that others than the owner may use. */
  readonly open: readonly string[];
  /** Whether git tracks the database, so that clones come with it. */
  readonly tracked: boolean;
  /** Whether git leaves the directory alone. */
  readonly ignored: boolean;
}

/** What the database says about itself. */
export interface DatabaseFacts {
  readonly schema: number;
  readonly sqlite: string;
  /** The last instant of the store's clock. */
  readonly nowMs: number;
  /** `ok`, or what is wrong. */
  readonly integrity: string;
  /** How many commits its mark has and the database has not. */
  readonly lostCommits: number;
  /** Whether the files were copied, so that the next operation leaves a gap in the numbers. */
  readonly copied: boolean;
}

/** Who has the kernel lock. */
export type LockFacts =
  | { readonly held: false }
  | {
    readonly held: true;
    readonly pid?: number;
    readonly command?: string;
    readonly stopped: boolean;
  };

/** The wakers of waiting processes. */
export interface WakerFacts {
  /** Waiting now. */
  readonly live: number;
  /** Left by processes that died while they waited. */
  readonly stale: number;
}

/**
 * The namespaces of a store that have a database, or what is left of one; none when there is no such directory.
 *
 * @throws {StoreUnavailableError} when the directory holds files of somebody else.
 */
export function listNamespaces(directory: string): readonly string[] {
  if (exists(directory)) isPlainDirectory(`${directory}/namespaces`);
  const found = entries(`${directory}/namespaces`);
  if (found.length === 0 && exists(directory)) refuseForeign(directory);
  return found.filter((name) => {
    const database = `${namespaceHome(directory, name)}/store.db`;
    return lookAtFile(database, 2) !== undefined || sizeOf(`${database}-wal`) > 0;
  }).sort();
}

/**
 * The commits of a namespace whose database was removed; 0 when it never had one.
 *
 * @throws {StoreUnavailableError} when what lies in its place is not ours.
 */
export function commitsGone(directory: string, namespace: string): number {
  const home = namespaceHome(directory, namespace);
  refuseOddFiles(home);
  return commitsOfRemoved(home);
}

/** Looks at the disk that holds `path`, or would hold it. */
export function inspectDisk(path: string): DiskFacts {
  const place = nearest(path);
  const { type, bavail, bsize } = statfsSync(place);
  const system = FILE_SYSTEMS.get(type);
  return {
    fileSystem: system?.name ?? `type 0x${type.toString(16)}`,
    shared: system?.shared ?? false,
    freeBytes: bavail * bsize,
    watch: watchable(place),
  };
}

/** Looks at the files of a namespace that exists. */
export function inspectFiles(directory: string, namespace: string): FileFacts {
  const home = namespaceHome(directory, namespace);
  const files = ["store.db", "store.db-wal", "store.db-shm", "store.lock", "store.reserve", "bells"]
    .map((name) => `${home}/${name}`);
  const paths = [directory, `${directory}/config.json`, home, ...files].filter(exists);
  const { mode } = Deno.statSync(directory);
  return {
    databaseBytes: sizeOf(`${home}/store.db`),
    logBytes: sizeOf(`${home}/store.db-wal`),
    ...(mode === null ? {} : { mode: mode & 0o777 }),
    // Inside a directory that is closed to others the bits of a file do not matter.
    open: mode !== null && (mode & 0o077) === 0
      ? []
      : paths.filter((path) => ((Deno.statSync(path).mode ?? 0) & 0o077) !== 0),
    ignored: exists(`${directory}/.gitignore`),
    tracked: isTracked(home),
  };
}

/**
 * Reads the database without changing it; `look` reads what the rooms have in it.
 *
 * @throws {StoreUnavailableError} when it is damaged, foreign, too new or unreadable.
 */
export function inspectDatabase<Found>(
  directory: string,
  namespace: string,
  schema: Schema,
  look: (reader: Pick<Reader, "get">) => Found,
): DatabaseFacts & Found {
  const path = `${namespaceHome(directory, namespace)}/store.db`;
  // Read before the database, which may only get ahead of it meanwhile.
  const mark = inspectMark(directory, namespace);
  const database = Database.openForReading(path, schema);
  try {
    const state = database.get<{ now_ms: number; commits: number }>(
      "SELECT now_ms, commits FROM state",
      [],
    );
    const integrity = database.integrity();
    return {
      ...database.versions(),
      nowMs: state?.now_ms ?? 0,
      integrity,
      ...(lossOf(mark, state?.commits ?? 0) ?? { lostCommits: 0, copied: false }),
      ...look({ get: (sql, ...values) => database.get(sql, values) }),
    };
  } catch (error) {
    throw storeFailure(error, path);
  } finally {
    database.close();
  }
}

/**
 * Reads a database in `home`, which belongs to no namespace of a store, without changing it.
 *
 * @throws {StoreUnavailableError} when it is missing, damaged, foreign or unreadable.
 */
export function inspectRecords<Found>(
  home: string,
  schema: Schema,
  look: (reader: Pick<Reader, "all">) => Found,
): Found {
  const path = `${home}/store.db`;
  const database = Database.openForReading(path, schema);
  try {
    return look({ all: (sql, ...values) => database.all(sql, values) });
  } catch (error) {
    throw storeFailure(error, path);
  } finally {
    database.close();
  }
}

/** The processes that hold the kernel lock on one of these files and are stopped; nobody knows when they go on. */
export function stoppedHolders(paths: readonly string[]): readonly StoppedHolder[] {
  const pids = paths.filter(exists).flatMap((path) => lockHolders(Deno.statSync(path).ino ?? 0));
  return [...new Set(pids)].map(processFacts).filter(({ stopped }) => stopped);
}

function inspectMark(directory: string, namespace: string): MarkFound {
  const path = `${namespaceHome(directory, namespace)}/store.lock`;
  if (!exists(path)) return { kind: "none" };
  const lock = KernelLock.open(path);
  try {
    return readMark(lock);
  } finally {
    lock.close();
  }
}

/** A process that was stopped within an operation. */
export interface StoppedHolder {
  readonly pid: number;
  /** Its program, where that is known. */
  readonly command?: string;
}

/** Waits for the kernel lock as an operation would, and releases it at once. */
export async function inspectLock(directory: string, namespace: string): Promise<LockFacts> {
  const path = `${namespaceHome(directory, namespace)}/store.lock`;
  if (!exists(path)) return { held: false };
  const lock = KernelLock.open(path);
  try {
    if (!lock.tryAcquire()) await lock.acquire(LOCK_PATIENCE_MS);
    lock.release();
    lock.close();
    return { held: false };
  } catch (error) {
    if (!(error instanceof CoordError)) throw error;
    // The file stays open: the kernel still waits for the lock on it, until this process ends.
    const pid = lock.holder();
    return { held: true, ...(pid === undefined ? { stopped: false } : processFacts(pid)) };
  }
}

/** Counts the wakers of a namespace. */
export function inspectWakers(directory: string, namespace: string): WakerFacts {
  const wakers = `${namespaceHome(directory, namespace)}/bells`;
  let live = 0;
  let stale = 0;
  for (const name of entries(wakers)) {
    using file = openWaker(wakers, name);
    if (file === undefined) continue;
    // A waiter keeps its waker's file locked for as long as it lives.
    if (file.tryLockSync(true)) stale++;
    else live++;
  }
  return { live, stale };
}

function watchable(path: string): DiskFacts["watch"] {
  try {
    Deno.watchFs(path, { recursive: false }).close();
    return { ok: true, detail: watchLimits() ?? "available" };
  } catch (error) {
    return { ok: false, detail: error instanceof Error ? error.message : String(error) };
  }
}

/** Linux' limits per user (inotify(7)). */
function watchLimits(): string | undefined {
  const read = (name: string) => Deno.readTextFileSync(`/proc/sys/fs/inotify/${name}`).trim();
  try {
    return `inotify, ${read("max_user_instances")} instances and ${
      read("max_user_watches")
    } watches per user`;
  } catch {
    return undefined;
  }
}

/** What Linux tells about a process (proc_pid_stat(5)). */
function processFacts(pid: number) {
  try {
    const match = /^\d+ \((.*)\) (\S)/s.exec(Deno.readTextFileSync(`/proc/${pid}/stat`));
    const stopped = match?.[2] === "T" || match?.[2] === "t";
    return { pid, stopped, ...given({ command: match?.[1] }) };
  } catch {
    return { pid, stopped: false };
  }
}

/** The path itself, or the closest directory above it that exists. */
function nearest(path: string): string {
  let place = path;
  while (place !== "/" && !exists(place)) place = place.slice(0, place.lastIndexOf("/")) || "/";
  return place;
}

function entries(directory: string): string[] {
  try {
    return [...Deno.readDirSync(directory)].map(({ name }) => name);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

function sizeOf(path: string): number {
  return exists(path) ? Deno.statSync(path).size : 0;
}

function isAbsent(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
}
