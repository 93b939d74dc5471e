/**
 * What a namespace remembers outside its database: how far the newest commit was.
 *
 * A log that was cut, damaged or left behind looks to the embedded engine like one whose newest commits were
 * never made, and a copy of an older day is a sound database. Either way the store would go back in time
 * without a word, and would hand out fences a second time. So whoever commits also writes the number of the
 * commit, the last fence and the last event's number into the file of the kernel lock, while it holds
 * that lock. The first step of each process compares: when the database is behind, or has no mark, or when the
 * file is a copy (its inode is another), the numbers go on above everything that may have been handed out.
 *
 * The order. The mark is written after the commit, so a process killed in between leaves it behind the
 * database, which means nothing. Neither is synced here: the mark costs no wait for the disk. After a power
 * failure the mark may be the newer of the two: by commits that nobody was told of with durability `full`,
 * because a step is answered only after its log has been synced; by commits that were answered
 * with `normal`, which promises nothing else. In both cases the numbers leap, which costs nothing, and the event
 * and `doctor` say how many commits are missing. A mark that cannot be read counts as none.
 * @module
 */
import type { KernelLock } from "./kernel_lock.ts";

/** The numbers of the newest commit. */
export interface Mark {
  readonly commits: number;
  readonly fence: number;
  readonly event: number;
}

/** What the file of the kernel lock holds. */
export type MarkFound =
  /** It was written for this very file. */
  | { readonly kind: "own"; readonly mark: Mark }
  /** It was written for another file: this one is a copy. */
  | { readonly kind: "copy"; readonly mark: Mark }
  /** Nothing, or nothing that can be read. */
  | { readonly kind: "none" };

/** Bytes of a mark, always all of them, so that writing one never needs more space. */
const MARK_BYTES = 128;
const WORDS =
  /^agentcoord mark 1: file (\d+) commit (\d+) fence (\d+) event (\d+) check (\d+)\n *$/;

/** Reads the mark of a namespace from the file of its kernel lock. */
export function readMark(lock: KernelLock): MarkFound {
  const bytes = new Uint8Array(MARK_BYTES);
  const text = new TextDecoder().decode(bytes.subarray(0, lock.read(bytes)));
  const match = WORDS.exec(text);
  if (match === null) return { kind: "none" };
  const [file, commits, fence, event, check] = match.slice(1).map(Number);
  if (check !== checksum(text.slice(0, text.indexOf(" check ")))) return { kind: "none" };
  const mark = { commits: commits!, fence: fence!, event: event! };
  return { kind: file === lock.inode ? "own" : "copy", mark };
}

const encoder = new TextEncoder();

/** Writes the mark; only who holds the lock may. */
export function writeMark(lock: KernelLock, { commits, fence, event }: Mark): void {
  const said =
    `agentcoord mark 1: file ${lock.inode} commit ${commits} fence ${fence} event ${event}`;
  lock.write(encoder.encode(`${said} check ${checksum(said)}\n`.padEnd(MARK_BYTES)));
}

/** FNV-1a (RFC 9923), 32 bits: tells a torn or overwritten mark from a whole one. */
function checksum(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}
