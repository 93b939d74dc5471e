/**
 * The files behind the authority of a site, open: two kernel locks and the record.
 * @module
 */
import type { Clock } from "../../clock.ts";
import { StoreUnavailableError } from "../../errors.ts";
import { KernelLock } from "../../engine/directory/kernel_lock.ts";
import { openPlainFile } from "../../engine/directory/plain_file.ts";
import { refuseTracked } from "../../engine/directory/tracked.ts";
import { adoptedRecord, encodeFile, firstRecord, RecordFile, refuseLostRecord } from "./record.ts";

/** Making the first record takes well under a millisecond; whoever holds the lock for this long is frozen. */
const FIRST_RECORD_PATIENCE_MS = 1000;

/** A lock belongs to the open file, so that a process which takes both modes of one opens it twice. */
export class AuthorityFiles {
  /** In front of the authority: an operation passes it, who wants to change the record closes it. */
  readonly pass: KernelLock;
  readonly block: KernelLock;
  /** The authority itself: operations share it while they run. */
  readonly share: KernelLock;
  readonly exclude: KernelLock;
  readonly record: RecordFile;
  /** Operations of this process that share the authority now. */
  inside = 0;
  readonly #path: string;
  readonly #inode: number;
  #retired = false;
  #inPlaceAt = -Infinity;

  private constructor(home: string, locks: readonly KernelLock[], record: RecordFile) {
    [this.pass, this.block, this.share, this.exclude] = locks as [
      KernelLock,
      KernelLock,
      KernelLock,
      KernelLock,
    ];
    this.record = record;
    this.#path = `${home}/authority`;
    this.#inode = record.inode();
  }

  /** Opens the files in `home`, making those that are missing; refuses a damaged record. */
  static open(home: string, clock: Clock): AuthorityFiles {
    const locks: KernelLock[] = [];
    try {
      for (const name of ["turnstile", "authority"]) {
        locks.push(KernelLock.open(`${home}/${name}.lock`, "shared"));
        locks.push(KernelLock.open(`${home}/${name}.lock`));
      }
      return new AuthorityFiles(home, locks, openRecord(home, clock, locks[3]!));
    } catch (error) {
      for (const lock of locks) lock.close();
      throw error;
    }
  }

  /** The same, unless that was seen less than so many milliseconds ago. */
  wasInPlace(withinMs: number): boolean {
    return performance.now() - this.#inPlaceAt < withinMs || this.inPlace();
  }

  /** Whether the record's path still leads to the file that is open here. */
  inPlace(): boolean {
    try {
      const isInPlace = Deno.lstatSync(this.#path).ino === this.#inode;
      if (isInPlace) this.#inPlaceAt = performance.now();
      return isInPlace;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  }

  /** One operation of this process has ended. */
  leave(): void {
    if (--this.inside > 0) return;
    if (this.#retired) this.#close();
    else this.share.release();
  }

  /** Closes the files as soon as the last operation has left. */
  retire(): void {
    if (this.#retired) return;
    this.#retired = true;
    if (this.inside === 0) this.#close();
  }

  #close(): void {
    for (const lock of [this.pass, this.block, this.share, this.exclude]) lock.close();
    this.record.close();
  }
}

/** The record's file; made, or taken over from whoever it was copied from, under the exclusive lock. */
function openRecord(home: string, clock: Clock, exclude: KernelLock): RecordFile {
  const path = `${home}/authority`;
  for (let waitedMs = 0;; waitedMs++) {
    const record = openWritten(path);
    if (record !== undefined && isOwn(record)) return record;
    record?.close();
    if (exclude.tryAcquire()) break;
    // Another process makes it just now. Opening is synchronous, so this thread sleeps.
    if (waitedMs > FIRST_RECORD_PATIENCE_MS) throw beingMade(home, exclude.holder());
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
  try {
    const record = openWritten(path);
    if (record !== undefined && isOwn(record)) return record;
    try {
      refuseTracked(home, "");
      if (record === undefined) {
        refuseLostRecord(home);
        return new RecordFile(path, makeRecord(path, clock));
      }
      record.write(adoptedRecord(record.read(), record.inode()));
      return record;
    } catch (error) {
      record?.close();
      throw error;
    }
  } finally {
    exclude.release();
  }
}

function isOwn(record: RecordFile): boolean {
  try {
    return record.peek().file === record.inode();
  } catch (error) {
    record.close();
    throw error;
  }
}

/** A file without a byte is what a power failure leaves of one that was being made. */
function openWritten(path: string): RecordFile | undefined {
  const file = openPlainFile(path);
  if (file === undefined) return undefined;
  if (file.statSync().size > 0) return new RecordFile(path, file);
  file.close();
  return undefined;
}

/** The first record gets its name only when it is whole. */
function makeRecord(path: string, clock: Clock): Deno.FsFile {
  const draft = `${path}.${Deno.pid}.${crypto.randomUUID().slice(0, 8)}`;
  const file = Deno.openSync(draft, { createNew: true, read: true, write: true, mode: 0o600 });
  try {
    const bytes = encodeFile({ ...firstRecord(clock.nowMs()), file: file.statSync().ino ?? 0 });
    for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
    file.syncDataSync();
    Deno.renameSync(draft, path);
    return file;
  } catch (error) {
    file.close();
    Deno.removeSync(draft);
    throw error;
  }
}

function beingMade(home: string, pid: number | undefined): StoreUnavailableError {
  const who = pid === undefined ? "another process" : `process ${pid}`;
  return new StoreUnavailableError(
    `Cannot use the store: ${who} has been making ${home}/authority for over ${FIRST_RECORD_PATIENCE_MS} ms; ` +
      "resume or end that process, then try again",
    { path: `${home}/authority`, pid: pid ?? null },
    true,
  );
}
