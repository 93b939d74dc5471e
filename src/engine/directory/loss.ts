/**
 * What is missing from a namespace, as far as the mark beside its database tells; see mark.ts.
 * @module
 */
import { storeFailure } from "./failure.ts";
import { KernelLock } from "./kernel_lock.ts";
import { type MarkFound, readMark } from "./mark.ts";
import type { Warn } from "../warning.ts";
import { lookAtFile } from "./plain_file.ts";

/** What is missing from a database. */
export interface Loss {
  /** Commits that the mark has and the database has not. */
  readonly lostCommits: number;
  /** Whether the database lies beside a mark that is not its own. */
  readonly copied: boolean;
}

/**
 * Compares a mark with a database whose newest commit is `commits`; the mark must have been read before it, or
 * under the lock. `undefined` when nothing is missing.
 */
export function lossOf(found: MarkFound, commits: number): Loss | undefined {
  if (found.kind === "none") return commits === 0 ? undefined : { lostCommits: 0, copied: true };
  const lostCommits = Math.max(0, found.mark.commits - commits);
  const copied = found.kind === "copy";
  return copied || lostCommits > 0 ? { lostCommits, copied } : undefined;
}

/**
 * The commits that a namespace without a database had, as far as what lies beside it tells; 0 when it never had one.
 *
 * @throws {StoreUnavailableError} when what lies there cannot be read.
 */
export function commitsOfRemoved(directory: string): number {
  const path = `${directory}/store.lock`;
  try {
    if (lookAtFile(path) === undefined) return 0;
    const lock = KernelLock.open(path);
    const found = readMark(lock);
    lock.close();
    return found.kind === "none" ? 0 : found.mark.commits;
  } catch (error) {
    throw storeFailure(error, path);
  }
}

/** Says what is missing, to those who only read as well; `found` is the mark as it was before `commits` was read. */
export function warnOfLoss(
  warn: Warn,
  directory: string,
  lock: KernelLock,
  found: MarkFound,
  commits: number,
): void {
  // Read without the lock, a mark that is just being written is none.
  const loss = lossOf(found.kind === "none" ? readMark(lock) : found, commits);
  if (loss === undefined) return;
  const { lostCommits } = loss;
  warn({
    kind: "loss",
    path: directory,
    lostCommits,
    removed: commits === 0 && isYounger(directory),
  });
}

/**
 * Whether a database without commits was made after the mark beside it was written, in the place of one that was
 * removed. A file without commits was not changed since it was made; one that is older than its mark had these
 * commits in its log.
 */
function isYounger(directory: string): boolean {
  const [database, lock] = ["store.db", "store.lock"].map((name) =>
    Deno.statSync(`${directory}/${name}`).mtime?.getTime() ?? 0
  );
  return database! > lock!;
}
