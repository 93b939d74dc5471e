/**
 * One kernel file lock (`flock(2)`), the directory store's mutex between processes.
 *
 * The kernel gives it up when its holder dies, whatever killed it, and wakes waiters itself. It is
 * tried without blocking first (about a microsecond); only under contention does a thread of the
 * runtime wait for it, so the event loop never does.
 * @module
 */
import type { Timer } from "../../clock.ts";
import { StoreUnavailableError } from "../../errors.ts";
import { openOrMakePlainFile } from "./plain_file.ts";

/** Whether a lock tolerates nobody else, or others that are shared as well. */
export type KernelLockMode = "exclusive" | "shared";

/**
 * A lock on one file. While one {@linkcode KernelLock} object holds it exclusively no other does, be it of this
 * process or another.
 */
export class KernelLock {
  readonly #path: string;
  readonly #exclusive: boolean;
  readonly #file: Deno.FsFile;
  readonly #inode: number;
  /** A wait of the runtime's thread that cannot be cancelled; it outlives a caller's timeout. */
  #pending: Promise<void> | undefined;
  #wanted = false;

  private constructor(path: string, file: Deno.FsFile, mode: KernelLockMode) {
    this.#path = path;
    this.#exclusive = mode === "exclusive";
    this.#file = file;
    this.#inode = file.statSync().ino ?? 0;
  }

  /** Opens the lock file, creating it when it is missing. */
  static open(path: string, mode: KernelLockMode = "exclusive"): KernelLock {
    return new KernelLock(path, openOrMakePlainFile(path), mode);
  }

  /** Takes the lock if it is free right now. */
  tryAcquire(): boolean {
    return this.#pending === undefined && this.#file.tryLockSync(this.#exclusive);
  }

  /**
   * Waits for the lock for at most `timeoutMs`.
   *
   * @throws {StoreUnavailableError} naming the process that holds it, when the time runs out.
   */
  async acquire(timeoutMs: number): Promise<void> {
    this.#wanted = true;
    this.#pending ??= this.#file.lock(this.#exclusive).finally(() => this.#pending = undefined)
      .then(() => {
        // Granted after its caller had given up: nobody would ever hand it back.
        if (!this.#wanted) this.release();
      });
    let timer: Timer | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(() => resolve("late"), timeoutMs);
    });
    const winner = await Promise.race([this.#pending, late]);
    clearTimeout(timer);
    if (winner !== "late") return;
    this.#wanted = false;
    throw this.#held(timeoutMs);
  }

  /** Gives the lock back. */
  release(): void {
    this.#file.unlockSync();
  }

  /** Number of the file on its file system; 0 where there are no such numbers. */
  get inode(): number {
    return this.#inode;
  }

  /** Whether the file has no name any more: whoever opens the path from now on gets another one. */
  removed(): boolean {
    return this.#file.statSync().nlink === 0;
  }

  /** Reads what the file holds into `bytes`; gives how many there were. */
  read(bytes: Uint8Array, offset = 0): number {
    this.#file.seekSync(offset, Deno.SeekMode.Start);
    return this.#file.readSync(bytes) ?? 0;
  }

  /** Writes `bytes` to the file; only who holds the lock may. */
  write(bytes: Uint8Array, offset = 0): void {
    this.#file.seekSync(offset, Deno.SeekMode.Start);
    this.#file.writeSync(bytes);
  }

  /** The process that holds the lock now, where the kernel tells; another one than this before this. */
  holder(): number | undefined {
    return holderPid(this.#inode);
  }

  /** Closes the file, which also gives up the lock. */
  close(): void {
    this.#file.close();
  }

  #held(timeoutMs: number): StoreUnavailableError {
    const pid = this.holder();
    const who = pid === undefined ? "another process" : `process ${pid}`;
    return new StoreUnavailableError(
      `Cannot use the store: ${who} has held ${this.#path} for over ${timeoutMs} ms; ` +
        `resume or end that process, then try again`,
      { path: this.#path, pid: pid ?? null, waitMs: timeoutMs },
      true,
    );
  }
}

/** The process that holds an flock on this inode; another one than this before this. */
function holderPid(inode: number): number | undefined {
  const pids = lockHolders(inode);
  return pids.find((pid) => pid !== Deno.pid) ?? pids[0];
}

/** Every process that holds an flock on this inode, shared or not, from Linux's /proc/locks (proc_locks(5)). */
export function lockHolders(inode: number): readonly number[] {
  return kernelLocks().split("\n").flatMap((line) => {
    const match = /^\d+: FLOCK +\S+ +\S+ +(\d+) +\S+:\S+:(\d+) /.exec(line);
    // A holder in a container that this process cannot look into has the number 0.
    return !match || Number(match[2]) !== inode || match[1] === "0" ? [] : [Number(match[1])];
  });
}

function kernelLocks(): string {
  try {
    return Deno.build.os === "linux" ? Deno.readTextFileSync("/proc/locks") : "";
  } catch {
    return ""; // Hidden from this process: the refusal then names nobody.
  }
}
