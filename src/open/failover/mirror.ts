/**
 * The mirror of a site: while Redis has the authority, each lease that it grants, renews or ends is noted in a file before
 * the call returns, so that the directory knows every live one.
 *
 * It must outlive the processes, not the host, with which the holders of the leases die: it is never synced. Each note is
 * appended by one write(2), which the kernel keeps in one piece; it begins with a line feed, too, so that what a full
 * disk left of an earlier one spoils nothing but itself. Lines that are no JSON are passed over.
 *
 * A mirror that has grown is replaced by one with what is live, in a new file: the authority record names its
 * generation, and is changed while no operation is under way. So nobody appends to a file that was given up.
 * @module
 */
import { StoreUnavailableError } from "../../errors.ts";
import { storeFailure } from "../../engine/directory/failure.ts";
import { lookAtFile } from "../../engine/directory/plain_file.ts";
import type { MirrorLine, MirrorState } from "./mirror_line.ts";
import { MirrorFold } from "./mirror_state.ts";

export type {
  MirrorLease,
  MirrorLine,
  MirrorState,
  MirrorTask,
  MirrorWaiter,
} from "./mirror_line.ts";

/** Records in one line of a mirror that was made smaller. */
const RECORDS_PER_LINE = 64;
/** How often a note that went in only in part is made again. */
const TRIES = 3;

const encoder = new TextEncoder();
const LINE_FEED = 10;

/** One generation of the mirror, open for appending. */
export class Mirror {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  #isOpen = true;

  private constructor(path: string, file: Deno.FsFile) {
    this.#path = path;
    this.#file = file;
  }

  /**
   * Opens this generation in `home`, making its file when there is none.
   *
   * @throws {StoreUnavailableError} when that cannot be done.
   */
  static open(home: string, generation: number): Mirror {
    const path = pathOf(home, generation);
    try {
      return new Mirror(path, openForAppending(path));
    } catch (error) {
      throw storeFailure(error, path);
    }
  }

  /**
   * Notes what Redis has confirmed. Only while the caller takes part in the shared hold of an authority that names
   * this generation.
   *
   * @throws {StoreUnavailableError} when it could not be noted, such as on a full disk.
   */
  append(line: MirrorLine): void {
    const bytes = encoder.encode(`\n${JSON.stringify(line)}\n`);
    try {
      for (let time = 0; time < TRIES; time++) {
        if (this.#file.writeSync(bytes) === bytes.length) return;
      }
    } catch (error) {
      throw storeFailure(error, this.#path);
    }
    throw new StoreUnavailableError(
      `Cannot use the store: ${this.#path} takes in lines only in part; free some space, then try again`,
      { path: this.#path },
      true,
    );
  }

  /** How long the file is, in bytes. */
  size(): number {
    return this.#file.statSync().size;
  }

  /** Closes the file; once more does nothing. */
  close(): void {
    if (this.#isOpen) this.#file.close();
    this.#isOpen = false;
  }
}

/**
 * What this generation of the mirror amounts to at `nowMs`, by the host's clock; nothing when there is no file.
 *
 * @throws {StoreUnavailableError} when the file cannot be read.
 */
export function loadMirror(home: string, generation: number, nowMs: number): MirrorState {
  const path = pathOf(home, generation);
  const fold = new MirrorFold();
  try {
    if (lookAtFile(path) !== undefined) {
      for (const line of linesOf(Deno.readFileSync(path))) fold.add(line);
    }
  } catch (error) {
    throw storeFailure(error, path);
  }
  return fold.state(nowMs);
}

/**
 * Makes a generation of the mirror with this state; the file has its name only when it is whole. Who waits and was
 * carried over once already without having looked at the store since is left out. Only under the exclusive lock,
 * before the record names the generation.
 *
 * @throws {StoreUnavailableError} when the file cannot be written.
 */
export function writeMirror(home: string, generation: number, state: MirrorState): void {
  const path = pathOf(home, generation);
  const text = statements(state).map((line) => `${JSON.stringify(line)}\n`).join("");
  const draft = `${path}.${Deno.pid}.${crypto.randomUUID().slice(0, 8)}`;
  try {
    Deno.writeTextFileSync(draft, text, { createNew: true, mode: 0o600 });
    Deno.renameSync(draft, path);
  } catch (error) {
    removeDraft(draft);
    throw storeFailure(error, path);
  }
}

function pathOf(home: string, generation: number): string {
  return `${home}/mirror.${generation}`;
}

function openForAppending(path: string): Deno.FsFile {
  if (lookAtFile(path) === undefined) {
    try {
      // Never follows a link: the name must be free.
      return Deno.openSync(path, { createNew: true, append: true, mode: 0o600 });
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      lookAtFile(path);
    }
  }
  return Deno.openSync(path, { append: true });
}

function removeDraft(draft: string): void {
  try {
    Deno.removeSync(draft);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** The lines of a file. It may be longer than a string can be, so each is decoded by itself. */
function* linesOf(bytes: Uint8Array<ArrayBuffer>): Iterable<MirrorLine> {
  const decoder = new TextDecoder();
  for (let at = 0; at < bytes.length;) {
    const found = bytes.indexOf(LINE_FEED, at);
    const end = found === -1 ? bytes.length : found;
    const line = end > at ? parse(decoder.decode(bytes.subarray(at, end))) : undefined;
    if (line !== undefined) yield line;
    at = end + 1;
  }
}

/** `undefined` for a part of a line. */
function parse(text: string): MirrorLine | undefined {
  try {
    const line = JSON.parse(text);
    return typeof line === "object" && line !== null ? line : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The lines that amount to this state. */
function statements({ leases, tasks, agents, waiters }: MirrorState): readonly MirrorLine[] {
  const lines: MirrorLine[] = [];
  for (let at = 0; at < leases.length; at += RECORDS_PER_LINE) {
    lines.push({ op: "lease", leases: leases.slice(at, at + RECORDS_PER_LINE) });
  }
  for (const { task, leaseMs, untilMs } of tasks) {
    lines.push({ op: "claim", tasks: [task], leaseMs, untilMs: [untilMs] });
  }
  for (const agent of agents) lines.push({ op: "agent", agent });
  for (const waiter of waiters) {
    if (!waiter.carried) lines.push({ op: "wait", waiter: { ...waiter, carried: true } });
  }
  return lines;
}
