/**
 * What the file system and the embedded engine say when they fail, in our words: which file, why, and
 * what to do about it.
 * @module
 */
import { CoordError, StoreUnavailableError } from "../../errors.ts";
import { openOrMakePlainFile } from "./plain_file.ts";
import { DamagedRowError } from "./row_json.ts";

/** One kind of failure, known by what its message contains. */
interface FailureRule {
  readonly matches: RegExp;
  readonly retryable: boolean;
  readonly sentence: (path: string) => string;
}

const DISK_FULL = /is full|No space left|os error (?:28|122)\b|quota exceeded/i;

/**
 * The engine reports a result code on some calls only, so its fixed texts decide
 * (https://www.sqlite.org/rescode.html); file system failures carry errno(3) texts.
 */
const RULES: readonly FailureRule[] = [
  {
    // A file system without hard links refuses them as not permitted (link(2), EPERM), whoever asks.
    matches: /\(os error (?:1|18|31|38|95)\): link /,
    retryable: false,
    sentence: (path) =>
      `the file system of ${path} has no hard links (exFAT and some mounts have none); choose a --store on ` +
      "another one, such as a local disk with ext4, XFS, Btrfs or APFS",
  },
  {
    matches: /os error (23|24)\b/,
    retryable: true,
    sentence: (path) => `too many files are open to open ${path}; raise the limit (ulimit -n)`,
  },
  {
    matches: /os error 122\b|quota exceeded/i,
    retryable: true,
    sentence: (path) => `${path} is over a disk quota; free some space, then try again`,
  },
  {
    matches: DISK_FULL,
    retryable: true,
    sentence: (path) => `no space is left for ${path}; free some space, then try again`,
  },
  {
    matches:
      /readonly|read-only|Permission denied|os error (13|30|1)\b|unable to open|not permitted/i,
    retryable: false,
    sentence: (path) =>
      `${path} cannot be opened for writing; check that it exists and its permissions`,
  },
  {
    matches: /database is locked|database is busy/i,
    retryable: true,
    sentence: (path) => `${path} is busy; try again`,
  },
  {
    matches: /Not a directory|File exists|os error (?:20|17)\b/i,
    retryable: false,
    sentence: (path) => `a part of the path ${path} is a file; choose another --store`,
  },
  {
    matches: /disk I\/O error|os error 5\b/i,
    retryable: true,
    sentence: (path) => `the disk failed to read or write ${path}; check the disk`,
  },
  {
    matches: /os error (37|38|95|524)\b/,
    retryable: false,
    sentence: (path) =>
      `the file system of ${path} has no file locks or links; choose a --store on a local disk`,
  },
  {
    matches: /os error 36\b/,
    retryable: false,
    sentence: (path) => `the path ${path} is too long; choose another --store`,
  },
  {
    matches: /os error 40\b/,
    retryable: false,
    sentence: (path) => `a part of the path ${path} is a link to itself; choose another --store`,
  },
];

/** Files of a database that one connection opens: itself, its log and the log's index, and its directory. */
const FILES_OF_ONE = 4;

/** What the file system says when as many files are to be opened as a database has; the engine does not tell why. */
function reasonNotOpened(path: string): string | undefined {
  const opened: Deno.FsFile[] = [];
  try {
    // The directory, as closing a second descriptor of the database itself would end the engine's locks (fcntl(2)).
    while (opened.length < FILES_OF_ONE) opened.push(Deno.openSync(path.replace(/[^/]*$/, "")));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : undefined;
  } finally {
    for (const file of opened) file.close();
  }
}

/** What no rule knows. */
function anyFailure(path: string, { message }: Error): string {
  return `${path} cannot be used (${message}); check this path, or choose another --store`;
}

/** SQLITE_IOERR_SHMSIZE: the file of the log's index could not grow. The text is that of a failing disk. */
const INDEX_CANNOT_GROW = 4874;

/** SQLITE_IOERR_WRITE: every refused write but that of a full disk; the engine does not tell why. */
const WRITE_REFUSED = 778;
const PROBE_BYTES = 4096;

/** What the file system says to a small write beside the database when it has no room for that; else `undefined`. */
function reasonNotWritten(path: string): string | undefined {
  const probe = `${directoryOf(path)}/store.probe`;
  try {
    using file = openOrMakePlainFile(probe);
    // Who probes at the same time may have removed the name by now.
    Deno.removeSync(probe);
    file.writeSync(crypto.getRandomValues(new Uint8Array(PROBE_BYTES)));
    return undefined;
  } catch (error) {
    // Any other obstacle says nothing about the write that was refused.
    return error instanceof Error && DISK_FULL.test(error.message) ? error.message : undefined;
  }
}

/** Whether a write of the engine to `path` was refused because of a disk quota, which it reports as a failing disk. */
export function isOverQuota(error: unknown, path: string): boolean {
  if (!(error instanceof Error)) return false;
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  return code === "ERR_SQLITE_ERROR" && errcode === WRITE_REFUSED &&
    reasonNotWritten(path) !== undefined;
}

/**
 * SQLITE_IOERR_SHORT_READ: the log ends before what its index says, which other processes keep alive. Its text too is
 * that of a failing disk.
 */
const LOG_TOO_SHORT = 522;

/** Whether this, or what it was made from, says that the disk is full. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof CoordError) return isDiskFull(error.cause);
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  if (code === "ERR_SQLITE_ERROR" && errcode === INDEX_CANNOT_GROW) return true;
  return DISK_FULL.test(error.message);
}

/**
 * A store file that can no longer be trusted. The way out concerns the whole directory: a database without its
 * log, or with the log of another one, is damaged again.
 */
export function damaged(path: string, why: string, cause?: unknown): StoreUnavailableError {
  const sentence = `Cannot use the store: ${path} is damaged (${why}); restore the directory ` +
    `${directoryOf(path)} from a backup, or move all of it away to start an empty store`;
  return new StoreUnavailableError(sentence, { path }, false, cause);
}

/** The namespace's directory around one of its files: the files of a set are restored or moved together. */
export function directoryOf(path: string): string {
  return path.replace(/\/store\.[^/]*$/, "");
}

/** Maps what the engine or the file system threw about `path`; passes anything else through. */
export function storeFailure(error: unknown, path: string): unknown {
  if (error instanceof CoordError || !(error instanceof Error)) return error;
  if (/malformed|not a database/i.test(error.message)) return damaged(path, error.message, error);
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  const engine = code === "ERR_SQLITE_ERROR";
  if (error instanceof DamagedRowError || code === "ERR_OUT_OF_RANGE") {
    return damaged(path, error.message, error);
  }
  if (!engine && !/os error|^E[A-Z0-9]+: /.test(error.message)) return error;
  if (engine && errcode === LOG_TOO_SHORT) {
    const why =
      `the log of ${path} was removed or cut while in use; end the processes that use this store, then try again`;
    return new StoreUnavailableError(`Cannot use the store: ${why}`, { path }, true, error);
  }
  const text = engine && errcode === INDEX_CANNOT_GROW
    ? "disk is full"
    : (engine && /unable to open/.test(error.message) && reasonNotOpened(path)) ||
      (engine && errcode === WRITE_REFUSED && reasonNotWritten(path)) || error.message;
  const rule = RULES.find(({ matches }) => matches.test(text));
  // Our statements are sound, and so are the values in them: what the engine cannot do with them is the file's fault.
  if (rule === undefined && engine) return damaged(path, error.message, error);
  const sentence = `Cannot use the store: ${rule?.sentence(path) ?? anyFailure(path, error)}`;
  return new StoreUnavailableError(sentence, { path }, rule?.retryable ?? false, error);
}
