/**
 * The authority record: which of a site's two stores decides now.
 *
 * The file never grows: a header that names the newest record by its sequence number, and two slots. A new record goes into
 * the slot that the header does not name and is synced before the header is, so whatever kills the writer leaves the old
 * record or the new one. Only who holds the authority exclusively writes. A header that was torn counts for nothing; then
 * the newest whole slot is the record, which was synced before that header was begun.
 * @module
 */
import { StoreUnavailableError } from "../../errors.ts";
import type { UnreachableTasks } from "../../store.ts";

/** Another site that uses the same namespace of the same Redis. */
export interface OtherSite {
  /** Its `siteId`, or `none:<host>` of clients that have no directory. */
  readonly site: string;
  /** When Redis last heard of it, in epoch milliseconds. */
  readonly lastSeenMs: number;
}

/** Who decides in a site, and what the site knows of Redis. JSON. */
export interface AuthorityRecord {
  /** The store that decides. */
  readonly store: "redis" | "directory";
  /** Grows with every change of {@linkcode AuthorityRecord.store}. */
  readonly epoch: number;
  /** Since when it decides, in epoch milliseconds of the host. */
  readonly sinceMs: number;
  /** Why, for people. */
  readonly reason: string;
  /** The other sites at Redis' last word; empty when this one was alone. */
  readonly others: readonly OtherSite[];
  /** When that word came, in epoch milliseconds of the host; 0: never. */
  readonly sitesAtMs: number;
  /** The memory of Redis that this site knows; 0: of a Redis that never named one. */
  readonly memory: number;
  /** By how much Redis' clock was ahead of the host's at its last word, in milliseconds. */
  readonly aheadMs: number;
  /** Generation of the mirror: names its file. */
  readonly mirror: number;
  /** The epoch that names the directory of the outage; 0: there is none. */
  readonly outage: number;
  /**
   * Number of the record's file on its file system. Another one says that the file is a copy: of a whole project, or one
   * that came with a repository. What it says of other sites, or of live leases, is not true here.
   */
  readonly file?: number;
  /** How often in a row Redis had the authority only for a moment; absent: it kept it. */
  readonly short?: number;
  /** Open tasks on Redis while the directory has the authority; absent when their number was never known. */
  readonly unreachable?: UnreachableTasks;
  /** Present while what an outage has left is moved into Redis. */
  readonly moving?: {
    /** The memory of the Redis that it is moved into; 0: that is to be begun anew, because it was lost. */
    readonly memory: number;
  };
}

/** What a site begins with. Its mirror has a name of its own: one that was removed may still be open in a process. */
export function firstRecord(nowMs: number): AuthorityRecord {
  return {
    store: "redis",
    epoch: 1,
    sinceMs: nowMs,
    reason: "first use",
    others: [],
    sitesAtMs: 0,
    memory: 0,
    aheadMs: 0,
    mirror: nowMs,
    outage: 0,
  };
}

/** What a site makes of a record that was copied from another one. */
export function adoptedRecord(record: AuthorityRecord, file: number): AuthorityRecord {
  return { ...record, file, others: [], sitesAtMs: 0, mirror: record.mirror + 1 };
}

/** The header: its mark, a checksum, and the sequence number as a 64-bit floating-point number. */
export const HEADER_BYTES = 16;
/** A slot: a mark, a checksum, the sequence number, the length and the text. */
export const SLOT_BYTES = 4096;
/** How long the file always is. */
export const RECORD_FILE_BYTES = HEADER_BYTES + 2 * SLOT_BYTES;

/** "ACa1" and "ACs1". */
const HEADER_MARK = 0x31614341;
const SLOT_MARK = 0x31734341;
const SLOT_TEXT_AT = 24;
const TEXT_BYTES = SLOT_BYTES - SLOT_TEXT_AT;
/** A reason may be the message of any error; the start of it is enough. */
const REASON_CHARACTERS = 400;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A header that names the record with this sequence number. */
export function encodeHeader(sequence: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, HEADER_MARK, true);
  view.setFloat64(8, sequence, true);
  view.setUint32(4, checksum(bytes.subarray(8)), true);
  return bytes;
}

/** The sequence number that a header names; `undefined` when it is torn. */
export function decodeHeader(bytes: Uint8Array<ArrayBuffer>): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER_BYTES || view.getUint32(0, true) !== HEADER_MARK) return undefined;
  if (view.getUint32(4, true) !== checksum(bytes.subarray(8, HEADER_BYTES))) return undefined;
  return view.getFloat64(8, true);
}

/** Where the slot of a sequence number begins. */
export function slotOffset(sequence: number): number {
  return HEADER_BYTES + (sequence % 2) * SLOT_BYTES;
}

/** A slot with this record. A reason, or a list of other sites, that it has no room for is cut; alone stays alone. */
export function encodeSlot(sequence: number, record: AuthorityRecord): Uint8Array<ArrayBuffer> {
  const slot = new Uint8Array(SLOT_BYTES);
  const text = textOf(record);
  slot.set(text, SLOT_TEXT_AT);
  const view = new DataView(slot.buffer);
  view.setUint32(0, SLOT_MARK, true);
  view.setFloat64(8, sequence, true);
  view.setUint32(16, text.length, true);
  view.setUint32(4, checksum(slot.subarray(8, SLOT_TEXT_AT + text.length)), true);
  return slot;
}

/** What a slot holds; `undefined` when it is empty or torn. */
export function decodeSlot(
  slot: Uint8Array<ArrayBuffer>,
): { readonly sequence: number; readonly record: AuthorityRecord } | undefined {
  const view = new DataView(slot.buffer, slot.byteOffset, slot.byteLength);
  if (slot.length < SLOT_TEXT_AT || view.getUint32(0, true) !== SLOT_MARK) return undefined;
  const end = SLOT_TEXT_AT + view.getUint32(16, true);
  if (end > slot.length || view.getUint32(4, true) !== checksum(slot.subarray(8, end))) {
    return undefined;
  }
  const record: AuthorityRecord = JSON.parse(decoder.decode(slot.subarray(SLOT_TEXT_AT, end)));
  return { sequence: view.getFloat64(8, true), record };
}

/** A whole file with this record as its first. */
export function encodeFile(record: AuthorityRecord): Uint8Array<ArrayBuffer> {
  const file = new Uint8Array(RECORD_FILE_BYTES);
  file.set(encodeHeader(1));
  file.set(encodeSlot(1, record), slotOffset(1));
  return file;
}

/** The authority record's file, open. */
export class RecordFile {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly #header = new Uint8Array(HEADER_BYTES);
  readonly #known = new Uint8Array(HEADER_BYTES);
  #sequence = 0;
  #record: AuthorityRecord | undefined;

  /** `file` is open for reading and writing; `path` is what errors name. */
  constructor(path: string, file: Deno.FsFile) {
    this.#path = path;
    this.#file = file;
  }

  /**
   * The record. Parsed again only when the header has changed.
   *
   * @throws {StoreUnavailableError} when the file is damaged; names it, and what to do.
   */
  read(): AuthorityRecord {
    this.#file.seekSync(0, Deno.SeekMode.Start);
    const length = this.#file.readSync(this.#header) ?? 0;
    if (this.#record !== undefined && length === HEADER_BYTES && this.#isKnown()) {
      return this.#record;
    }
    const named = length === HEADER_BYTES ? decodeHeader(this.#header) : undefined;
    const found = named === undefined ? this.#newest() : this.#slot(named);
    if (found === undefined) throw damaged(this.#path);
    this.#known.set(this.#header);
    this.#sequence = found.sequence;
    return this.#record = found.record;
  }

  /**
   * The record as it is, read without any lock: somebody may be writing meanwhile.
   *
   * @throws {StoreUnavailableError} when the file is damaged.
   */
  peek(): AuthorityRecord {
    try {
      return this.read();
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
    }
    // Two changes between the two reads put another record into the slot that the header named.
    return this.read();
  }

  /** Puts `record` in the place of the one that is there; only who holds the authority exclusively may. */
  write(record: AuthorityRecord): void {
    this.read();
    const sequence = this.#sequence + 1;
    this.#writeAt(slotOffset(sequence), encodeSlot(sequence, record));
    this.#file.syncDataSync();
    this.#writeAt(0, encodeHeader(sequence));
    this.#file.syncDataSync();
  }

  /** Number of the file on its file system. */
  inode(): number {
    return this.#file.statSync().ino ?? 0;
  }

  /** Closes the file. */
  close(): void {
    this.#file.close();
  }

  #isKnown(): boolean {
    for (let at = 0; at < HEADER_BYTES; at++) {
      if (this.#header[at] !== this.#known[at]) return false;
    }
    return true;
  }

  #slot(sequence: number) {
    const found = this.#slotAt(slotOffset(sequence));
    return found?.sequence === sequence ? found : undefined;
  }

  #newest() {
    const [even, odd] = [this.#slotAt(slotOffset(0)), this.#slotAt(slotOffset(1))];
    return (even?.sequence ?? 0) > (odd?.sequence ?? 0) ? even : odd;
  }

  #slotAt(offset: number) {
    const slot = new Uint8Array(SLOT_BYTES);
    this.#file.seekSync(offset, Deno.SeekMode.Start);
    let length = 0;
    for (;;) {
      const part = this.#file.readSync(slot.subarray(length)) ?? 0;
      if (part === 0) return decodeSlot(slot.subarray(0, length));
      length += part;
    }
  }

  #writeAt(offset: number, bytes: Uint8Array<ArrayBuffer>): void {
    this.#file.seekSync(offset, Deno.SeekMode.Start);
    for (let at = 0; at < bytes.length;) at += this.#file.writeSync(bytes.subarray(at));
  }
}

/**
 * Refuses to begin anew where the record is gone and what it decided about is still there.
 *
 * @throws {StoreUnavailableError} when `home` has the database of an outage.
 */
export function refuseLostRecord(home: string): void {
  for (const { name } of Deno.readDirSync(home)) {
    if (/^outage\.\d+$/.test(name)) throw damaged(`${home}/authority`);
  }
}

function damaged(path: string): StoreUnavailableError {
  return new StoreUnavailableError(
    `Cannot use the store: ${path}, which says whether Redis or the directory decides, is damaged. Restore it, or ` +
      "end every process that uses this store and remove the directory that the file is in: what was written " +
      "there while Redis could not be reached, and is not in Redis yet, is then lost",
    { path },
  );
}

function textOf(record: AuthorityRecord): Uint8Array<ArrayBuffer> {
  const reason = record.reason.slice(0, REASON_CHARACTERS);
  for (
    let others = record.others.slice();;
    others = others.slice(0, Math.ceil(others.length / 2))
  ) {
    const text = encoder.encode(JSON.stringify({ ...record, reason, others }));
    if (text.length <= TEXT_BYTES) return text;
    if (others.length <= 1) throw new RangeError("An authority record is longer than its slot");
  }
}

/** FNV-1a (RFC 9923), byte by byte. */
function checksum(bytes: Uint8Array<ArrayBuffer>): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
