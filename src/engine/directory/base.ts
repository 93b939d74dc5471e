/**
 * What the database holds without its log, as far as it is known: noticed is an older copy put in the place
 * of the database while the log of the newer one stays beside it.
 *
 * Read together the two make a database of pages that do not belong together. A log says nothing of the database it
 * belongs to, so whoever has copied all of it into the database (a checkpoint) notes behind the mark up to
 * which commit the file is complete since, and when it was changed then. A file that was not changed since is
 * the one of then. Any other is read without its log: it has at least that commit, whoever is in the middle of
 * copying more, or it is an older one.
 * @module
 */
import { Database } from "./database.ts";
import { damaged } from "./failure.ts";
import type { KernelLock } from "./kernel_lock.ts";

/** Where the note lies in the file of the kernel lock: behind the mark. */
const OFFSET = 64;
const BYTES = 24;
/** "ACb1". */
const MAGIC = 0x31626341;

/** Notes that the database at `path` is complete up to this commit; only who holds the lock may. */
export function writeBase(lock: KernelLock, path: string, commits: number): void {
  const view = new DataView(new ArrayBuffer(BYTES));
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, lock.inode % 2 ** 32, true);
  view.setFloat64(8, commits, true);
  view.setFloat64(16, changedAt(path), true);
  lock.write(new Uint8Array(view.buffer), OFFSET);
}

/**
 * Looks whether the database at `path` goes with the log beside it.
 *
 * @throws {StoreUnavailableError} when it is an older copy.
 */
export function verifyBase(lock: KernelLock, path: string): void {
  const bytes = new Uint8Array(BYTES);
  if (lock.read(bytes, OFFSET) < BYTES) return;
  const view = new DataView(bytes.buffer);
  if (view.getUint32(0, true) !== MAGIC) return;
  // A note that was copied along with everything speaks of another file.
  if (view.getUint32(4, true) !== lock.inode % 2 ** 32) return;
  const commits = view.getFloat64(8, true);
  if (view.getFloat64(16, true) === changedAt(path) || Deno.statSync(`${path}-wal`).size === 0) {
    return;
  }
  // A copy that somebody has put there can be read; what cannot is being written.
  if ((Database.commitsWithoutLog(path) ?? commits) >= commits) return;
  throw damaged(path, "it is an older copy, and the log of a newer one lies beside it");
}

/** Nothing of it is lost in milliseconds with a fraction: two changes differ. */
function changedAt(path: string): number {
  return Deno.statSync(path).mtime?.getTime() ?? 0;
}
