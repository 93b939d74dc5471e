/**
 * Opening what is below a store's directory without being led elsewhere.
 *
 * A repository that somebody cloned may contain a store's directory, and git keeps symbolic links. Followed, one
 * of them makes the program write to, or delete, any file of the user. A named pipe makes an open wait for ever.
 * So each part below the store's directory is looked at with lstat(2), and must be a directory or a regular file
 * of its own: a second name of one (a hard link) would hand what is written there to whoever else has the file.
 * After the open the file is compared with the one that was looked at.
 * @module
 */
import { StoreUnavailableError } from "../../errors.ts";

/** Whether there is a directory at `path`; refuses anything else there. */
export function isPlainDirectory(path: string): boolean {
  const info = lookAt(path);
  if (info === undefined) return false;
  if (!info.isDirectory) throw odd(path, `${kindOf(info)} in the place of a directory`);
  return true;
}

/** Makes the directory `path`, whose parent exists, unless it is there. */
export function makePlainDirectory(path: string): void {
  if (isPlainDirectory(path)) return;
  try {
    Deno.mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process made it meanwhile.
    if (!(error instanceof Deno.errors.AlreadyExists) || !isPlainDirectory(path)) throw error;
  }
}

/**
 * The file at `path`, or `undefined` when there is none.
 *
 * @param names how many names the file may have; a database has two for a moment while it is made
 * @throws {StoreUnavailableError} when it is a link, a pipe, a directory, or has more names
 */
export function lookAtFile(path: string, names = 1): Deno.FileInfo | undefined {
  const info = lookAt(path);
  if (info === undefined) return undefined;
  if (!info.isFile) throw odd(path, `${kindOf(info)} in the place of a file`);
  if ((info.nlink ?? 1) > names) {
    throw odd(path, "a file that has other names as well (hard links)");
  }
  return info;
}

/** Opens the file at `path` for reading and writing; `undefined` when there is none. */
export function openPlainFile(path: string): Deno.FsFile | undefined {
  const info = lookAtFile(path);
  if (info === undefined) return undefined;
  const file = Deno.openSync(path, { read: true, write: true });
  const { ino, dev } = file.statSync();
  if (ino === info.ino && dev === info.dev) return file;
  file.close();
  throw odd(path, "a file that is replaced again and again");
}

/** Opens the file at `path` for reading and writing, making it when there is none. */
export function openOrMakePlainFile(path: string): Deno.FsFile {
  const known = openPlainFile(path);
  if (known !== undefined) return known;
  try {
    // Never follows a link: the name must be free.
    return Deno.openSync(path, { createNew: true, read: true, write: true, mode: 0o600 });
  } catch (error) {
    const made = error instanceof Deno.errors.AlreadyExists ? openPlainFile(path) : undefined;
    if (made === undefined) throw error;
    return made;
  }
}

/**
 * Refuses files of a database that lead elsewhere, before the engine opens them by their paths. A rollback
 * journal is never part of ours, and would be played back into the database; it can even name a file that
 * the engine then deletes.
 */
export function refuseOddDatabaseFiles(path: string): void {
  const slash = path.lastIndexOf("/");
  const [directory, name] = [path.slice(0, slash) || "/", path.slice(slash + 1)];
  const names = namesIn(directory);
  if (names.has(name)) lookAtFile(path, 2);
  if (names.has(`${name}-wal`)) lookAtFile(`${path}-wal`);
  if (names.has(`${name}-shm`)) lookAtFile(`${path}-shm`);
  if (names.has(`${name}-journal`)) {
    throw odd(`${path}-journal`, "a journal that this program never leaves");
  }
}

/**
 * The names in a directory, links included. Read once where several may be missing: each lstat of nothing costs an error,
 * which is dearer than the whole list.
 */
export function namesIn(directory: string): ReadonlySet<string> {
  try {
    return new Set(Array.from(Deno.readDirSync(directory), ({ name }) => name));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return new Set();
    throw error;
  }
}

function lookAt(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function kindOf(info: Deno.FileInfo): string {
  if (info.isSymlink) return "a symbolic link";
  if (info.isDirectory) return "a directory";
  if (info.isFile) return "a file";
  if (info.isFifo) return "a named pipe";
  return info.isSocket ? "a socket" : "a device";
}

function odd(path: string, what: string): StoreUnavailableError {
  return new StoreUnavailableError(
    `Cannot use the store: ${path} is ${what}; somebody put it there, perhaps with a cloned repository: ` +
      `find out who, then remove it or choose another --store`,
    { path },
  );
}
