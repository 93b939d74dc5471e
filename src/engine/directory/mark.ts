/**
 * What a namespace remembers outside its database: how far the newest commit was.
 *
 * A log that was cut, damaged or left behind looks to the embedded engine like one whose newest commits were
 * never made, and a copy of an older day is a sound database. Either way the store would go back in time
 * without a word, and would hand out fences a second time. So whoever commits also writes the number of the
 * commit, the last fence and the last event's number into the file of the kernel lock, while it holds
 * that lock. The first operation of each process compares: when the database is behind, or has no mark, or when the
 * file is a copy (its inode is another), the numbers go on above everything that may have been handed out.
 *
 * The order. The mark is written after the commit, so a process killed in between leaves it behind the
 * database, which means nothing. A process that commits again and again writes it every few milliseconds, and
 * once more when it rests: on every commit it cost the fast path 5 to 8 %. What a kill leaves out so is missed only
 * when the log loses these last milliseconds and no other commit.
 * Neither is synced here: the mark costs no wait for the disk. After a power
 * failure the mark may be the newer of the two: by commits that nobody had an answer for with durability `full`,
 * because an operation is answered only after its log has been synced; by commits that were answered
 * with `normal`, which promises nothing else. In both cases the numbers have a gap, which costs nothing, and the event
 * and `doctor` say how many commits are missing. A mark that cannot be read counts as none.
 * @module
 */
import type { Timer } from "../../clock.ts";
import { CoordError } from "../../errors.ts";
import { storeFailure } from "./failure.ts";
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

/**
 * A mark as it lies in the file, little-endian: what it is, a checksum, and as 64-bit floating-point numbers, which
 * hold every integer we count to, the file's inode and the three numbers of the commit. Always written as
 * a whole, in one call: text would cost an operation ten times as long.
 */
const MARK_BYTES = 40;
/** "ACm1". */
const MAGIC = 0x316d4341;

const bytes = new Uint8Array(MARK_BYTES);
const view = new DataView(bytes.buffer);

/** Reads the mark of a namespace from the file of its kernel lock. */
export function readMark(lock: KernelLock): MarkFound {
  const length = lock.read(bytes);
  if (length < MARK_BYTES || view.getUint32(0, true) !== MAGIC) return { kind: "none" };
  if (view.getUint32(4, true) !== checksum()) return { kind: "none" };
  const [file, commits, fence, event] = [8, 16, 24, 32].map((at) => view.getFloat64(at, true));
  const mark = { commits: commits!, fence: fence!, event: event! };
  return { kind: file === lock.inode ? "own" : "copy", mark };
}

/** A process at work writes the mark at most this often. */
const WRITE_EVERY_MS = 5;
/** A resting process whose lock somebody else keeps for longer than this leaves the mark to them. */
const RETRY_UP_TO_MS = 1000;

/** Writes the mark for one process: at once after a rest, then every few milliseconds, and when it rests again. */
export class MarkWriter {
  readonly #lock: KernelLock;
  readonly #path: string;
  /** The newest commit of this process that the mark does not have yet. */
  #newest: Mark | undefined;
  /** Whether that was made under this hold of the lock: then there is no newer one. */
  #ofThisHold = false;
  #writtenAt = -Infinity;
  #timer: Timer | undefined;

  /** `path` is what errors name. */
  constructor(lock: KernelLock, path: string) {
    this.#lock = lock;
    this.#path = path;
  }

  /** Called with each commit, in their order. */
  note(mark: Mark): void {
    this.#newest = mark;
    this.#ofThisHold = true;
  }

  /** Called at the end of each hold of the lock, before it is released. */
  endHold(): void {
    if (this.#newest === undefined) return;
    if (performance.now() - this.#writtenAt >= WRITE_EVERY_MS) this.#write();
    else this.#timer ??= setTimeout(() => this.#rest(WRITE_EVERY_MS), WRITE_EVERY_MS);
    this.#ofThisHold = false;
  }

  /** Writes what is left, unless somebody holds the lock, who is then about to write a newer one. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writeUnlessHeld();
  }

  #rest(waitedMs: number): void {
    this.#timer = undefined;
    if (this.#writeUnlessHeld() || waitedMs > RETRY_UP_TO_MS) return;
    this.#timer = setTimeout(() => this.#rest(2 * waitedMs), waitedMs);
  }

  #writeUnlessHeld(): boolean {
    if (this.#newest === undefined) return true;
    try {
      if (!this.#lock.tryAcquire()) return false;
    } catch (error) {
      this.#pass(error);
      return true;
    }
    try {
      this.#write();
    } finally {
      this.#lock.release();
    }
    return true;
  }

  #write(): void {
    const mark = this.#newest!;
    try {
      if (this.#ofThisHold || !this.#hasNewer(mark)) writeMark(this.#lock, mark);
      this.#newest = undefined;
      this.#writtenAt = performance.now();
    } catch (error) {
      this.#pass(error);
    }
  }

  /** Others may have committed meanwhile: a newer mark stays. */
  #hasNewer(than: Mark): boolean {
    const found = readMark(this.#lock);
    return found.kind === "own" && found.mark.commits >= than.commits;
  }

  /** Whatever the system says, such as that the disk is full, the mark is then only behind the database. */
  #pass(error: unknown): void {
    if (!(storeFailure(error, this.#path) instanceof CoordError)) throw error;
  }
}

/** Writes the mark; only who holds the lock may. */
function writeMark(lock: KernelLock, { commits, fence, event }: Mark): void {
  view.setUint32(0, MAGIC, true);
  view.setFloat64(8, lock.inode, true);
  view.setFloat64(16, commits, true);
  view.setFloat64(24, fence, true);
  view.setFloat64(32, event, true);
  view.setUint32(4, checksum(), true);
  lock.write(bytes);
}

/** FNV-1a (RFC 9923) over the numbers, a word at a time: tells a torn or overwritten mark from a whole one. */
function checksum(): number {
  let hash = 0x811c9dc5;
  for (let at = 8; at < MARK_BYTES; at += 4) {
    hash = Math.imul(hash ^ view.getUint32(at, true), 0x01000193);
  }
  return hash >>> 0;
}
