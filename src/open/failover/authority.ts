/**
 * Who decides in a site, and the rule that no operation is ever under way across a change of that.
 *
 * Every operation shares the kernel lock `authority.lock` while it runs; a change of the record holds it exclusively.
 * flock(2) is not fair: operations that overlap would keep a change out for ever. So there is a turnstile in front:
 * an operation passes through it (shares `turnstile.lock` for a moment) before it takes part, and a changer closes it
 * (holds it exclusively) first. From then on nobody new takes part, and those inside leave. The kernel gives both back
 * when a process dies. A process that is frozen inside keeps a change out: the changer then names it.
 *
 * In one process the operations under way share one hold, and are counted; each new one still passes the turnstile.
 *
 * The files can be removed under a process that has them open, and made again by another one; two authorities
 * would then decide. So an entry compares what the record's path leads to with what is open, unless one just did.
 * @module
 */
import type { Clock } from "../../clock.ts";
import { StoreUnavailableError } from "../../errors.ts";
import type { KernelLock } from "../../engine/directory/kernel_lock.ts";
import { storeFailure } from "../../engine/directory/failure.ts";
import { makePlainDirectory } from "../../engine/directory/plain_file.ts";
import { AuthorityFiles } from "./authority_files.ts";
import type { AuthorityRecord } from "./record.ts";

/** How an {@linkcode Authority} is opened. */
export interface AuthorityOptions {
  /** Says since when the first record holds. */
  readonly clock: Clock;
  /** How long to wait for others, each time. Default: 10 seconds. */
  readonly lockTimeoutMs?: number;
  /**
   * One look whether the files are still there serves the entries of this long, in milliseconds: what is done so shortly
   * after they were removed is worth as much as what was done just before it. Default: 5.
   */
  readonly lookEveryMs?: number;
  /** Makes the directory again after somebody removed it. Default: only its last part. */
  readonly makeHome?: () => void;
}

/** Fields that replace those of a record; `undefined` takes one away. */
export type AuthorityChange = {
  readonly [Field in keyof AuthorityRecord]?: AuthorityRecord[Field] | undefined;
};

/** One operation's part in the shared hold: until it leaves, the record stays as it is. */
export interface Hold {
  /** The record. */
  readonly record: AuthorityRecord;
  /** Ends the part; called exactly once. */
  leave(): void;
}

/** The authority of one namespace in one site, as one process works with it. */
export class Authority {
  readonly #home: string;
  readonly #options: AuthorityOptions;
  readonly #lockTimeoutMs: number;
  readonly #lookEveryMs: number;
  #files: AuthorityFiles;
  #last: AuthorityRecord;
  #isClosed = false;
  /** Who found the turnstile closed waits for it together; resolves with a part in the hold that is for all. */
  #opening: { readonly guard: Promise<Hold>; joined: number } | undefined;
  /** Changes of this process, one after the other. */
  #changes: Promise<void> = Promise.resolve();

  private constructor(home: string, options: AuthorityOptions) {
    this.#home = home;
    this.#options = options;
    this.#lockTimeoutMs = options.lockTimeoutMs ?? 10_000;
    this.#lookEveryMs = options.lookEveryMs ?? 5;
    this.#files = AuthorityFiles.open(home, options.clock);
    this.#last = this.#files.record.peek();
  }

  /**
   * Opens the files in `home`, which exists, making those that are missing.
   *
   * @throws {StoreUnavailableError} when they cannot be opened or made, or the record is damaged.
   */
  static open(home: string, options: AuthorityOptions): Authority {
    try {
      return new Authority(home, options);
    } catch (error) {
      throw storeFailure(error, home);
    }
  }

  /**
   * Takes part in the shared hold: at once when nobody waits to change the record, else as soon as they have.
   *
   * @throws {StoreUnavailableError} when somebody keeps the others out for too long, and names the process; with
   * `details.removed` when the directory of an outage was removed.
   */
  enter(): Hold | Promise<Hold> {
    if (this.#isClosed) throw this.#closed();
    try {
      return (this.#opening === undefined ? this.#tryEnter() : undefined) ?? this.#enterLater();
    } catch (error) {
      throw storeFailure(error, this.#home);
    }
  }

  /** Whether somebody waits to change the record, or does so just now. */
  isContended(): boolean {
    if (this.#isClosed) return false;
    const { pass } = this.#files;
    if (this.#opening !== undefined || !pass.tryAcquire()) return true;
    pass.release();
    return false;
  }

  /**
   * Runs `work` while no operation is under way anywhere in the site. In one process one change runs at a time. Whoever
   * calls this has left every {@linkcode Hold} of its own.
   *
   * @param work `write` replaces the fields it is given, durably; may be called more than once
   * @param options `patienceMs`: how long to wait for others, each time, where that is less than usual. Meanwhile no
   * operation begins: what can wait for another time keeps nobody out for long.
   * @throws {StoreUnavailableError} when an operation or another change does not end in time; names its process.
   */
  change<T>(
    work: (record: AuthorityRecord, write: (next: AuthorityChange) => void) => Promise<T>,
    { patienceMs = this.#lockTimeoutMs }: { readonly patienceMs?: number } = {},
  ): Promise<T> {
    const result = this.#changes.then(() => this.#change(work, patienceMs));
    // The next one starts however this one ends; its own caller hears how.
    this.#changes = result.then(() => {}, () => {});
    return result;
  }

  /**
   * The record as it is now, without any lock: by the time it is returned it may be another one. After closing: as it
   * was seen last.
   *
   * @throws {StoreUnavailableError} when it is damaged.
   */
  peek(): AuthorityRecord {
    if (this.#isClosed) return this.#last;
    try {
      return this.#files.record.peek();
    } catch (error) {
      throw storeFailure(error, this.#home);
    }
  }

  /** Closes the files; those of operations under way when the last of them leaves. */
  close(): void {
    this.#isClosed = true;
    this.#files.retire();
  }

  #tryEnter(): Hold | undefined {
    const files = this.#files;
    if (!files.pass.tryAcquire()) return undefined;
    try {
      if (files.inside === 0 && !files.share.tryAcquire()) return undefined;
    } finally {
      files.pass.release();
    }
    files.inside++;
    return this.#admit(files);
  }

  /** An operation that is inside already gets the record, or is sent away. */
  #admit(files: AuthorityFiles): Hold | undefined {
    try {
      if (files.wasInPlace(this.#lookEveryMs)) {
        this.#last = files.record.read();
        return new Part(files, this.#last);
      }
    } catch (error) {
      files.leave();
      throw error;
    }
    files.leave();
    this.#replaceFiles(files);
    return undefined;
  }

  async #enterLater(): Promise<Hold> {
    const opening = this.#opening ??= { guard: this.#awaitOpening(), joined: 0 };
    opening.joined++;
    const guard = await opening.guard;
    const { files } = guard as Part;
    files.inside++;
    // The last of those who waited together has taken part: the hold they waited with is theirs now.
    if (--opening.joined === 0) guard.leave();
    return new Part(files, guard.record);
  }

  async #awaitOpening(): Promise<Hold> {
    try {
      for (;;) {
        const hold = await this.#enterAlone();
        if (hold !== undefined) return hold;
      }
    } catch (error) {
      throw storeFailure(error, this.#home);
    } finally {
      this.#opening = undefined;
    }
  }

  async #enterAlone(): Promise<Hold | undefined> {
    const files = this.#files;
    await this.#acquire(files.pass);
    try {
      // A changer that dies gives its two locks back one after the other.
      if (files.inside === 0) await this.#acquire(files.share);
      files.inside++;
    } finally {
      files.pass.release();
    }
    return this.#admit(files);
  }

  async #change<T>(
    work: (record: AuthorityRecord, write: (next: AuthorityChange) => void) => Promise<T>,
    patienceMs: number,
  ): Promise<T> {
    const files = await this.#exclude(patienceMs);
    try {
      let record = files.record.read();
      return await work(record, (next) => {
        const changed: Record<string, unknown> = { ...record, ...next };
        record = changed as unknown as AuthorityRecord;
        this.#write(files, record);
      });
    } finally {
      files.exclude.release();
      files.block.release();
    }
  }

  #write(files: AuthorityFiles, record: AuthorityRecord): void {
    try {
      files.record.write(record);
      this.#last = files.record.read();
    } catch (error) {
      throw storeFailure(error, `${this.#home}/authority`);
    }
  }

  /** Closes the turnstile, and waits until everybody has left. */
  async #exclude(patienceMs: number): Promise<AuthorityFiles> {
    try {
      for (;;) {
        const files = this.#files;
        await this.#acquire(files.block, patienceMs);
        let kept = false;
        try {
          await this.#acquire(files.exclude, patienceMs);
          kept = files.inPlace();
          if (kept) return files;
          files.exclude.release();
        } finally {
          if (!kept) files.block.release();
        }
        this.#replaceFiles(files);
      }
    } catch (error) {
      throw storeFailure(error, this.#home);
    }
  }

  async #acquire(lock: KernelLock, patienceMs = this.#lockTimeoutMs): Promise<void> {
    if (!lock.tryAcquire()) await lock.acquire(patienceMs);
  }

  /** The files in the directory are others than those that are open, or are missing. */
  #replaceFiles(old: AuthorityFiles): void {
    if (this.#files !== old) return;
    if (this.#last.store === "directory") throw this.#removed();
    (this.#options.makeHome ?? (() => makePlainDirectory(this.#home)))();
    this.#files = AuthorityFiles.open(this.#home, this.#options.clock);
    old.retire();
  }

  #closed(): StoreUnavailableError {
    return new StoreUnavailableError(
      `Cannot use the store: ${this.#home} has been closed by this program; open it again`,
      { path: this.#home, reason: "closed" },
    );
  }

  #removed(): StoreUnavailableError {
    return new StoreUnavailableError(
      `Cannot use the store: ${this.#home} was removed or replaced while the directory stood in for Redis; what was ` +
        "written there since is lost unless it is put back. Put it back, or end this process and start anew",
      { path: this.#home, removed: true },
    );
  }
}

/** A {@linkcode Hold} on files that may be replaced meanwhile. */
class Part implements Hold {
  readonly files: AuthorityFiles;
  readonly record: AuthorityRecord;

  constructor(files: AuthorityFiles, record: AuthorityRecord) {
    this.files = files;
    this.record = record;
  }

  leave(): void {
    this.files.leave();
  }
}
