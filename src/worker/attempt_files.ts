/**
 * The files of one attempt: the task for the command to read, its output, and what it leaves for the worker.
 *
 * The output is a file and never a pipe: nobody has to read it for the command to go on, and a process that outlives the
 * command keeps nothing open here. Its size is bounded by moving its newer half aside and emptying it while it is
 * written to. That works because the command's output is opened for appending; what it writes in the very moment
 * between the two steps may be missing, and a line says that something is.
 * @module
 */
import { invalid } from "../check.ts";
import { exists, readAt, removeIfPresent } from "../disk.ts";
import type { Timer } from "../clock.ts";
import type { Task } from "../task/model.ts";
import { storedText } from "./stored_text.ts";

/** How often the size is looked at. */
const LOOK_MS = 250;

/** Where the files of attempts are. */
export interface AttemptPlace {
  /** An absolute path without line feeds. */
  readonly directory: string;
  /** The most that the output of one attempt takes on disk, in bytes. */
  readonly outputBytes: number;
}

/** The files of one attempt. */
export class AttemptFiles {
  /** The task as JSON. */
  readonly task: string;
  /** The output. */
  readonly output: string;
  /** Where the command may leave a result. */
  readonly result: string;
  /** Where the command may leave the instant before which another attempt is pointless. */
  readonly notBefore: string;
  readonly #maxBytes: number;
  #watch: Timer | undefined;
  #moved = 0;

  private constructor({ directory, outputBytes }: AttemptPlace, name: string) {
    const path = `${directory}/${name}`;
    this.task = `${path}.json`;
    this.output = `${path}.log`;
    this.result = `${path}.result`;
    this.notBefore = `${path}.not-before`;
    this.#maxBytes = outputBytes;
  }

  /** Writes the task; what an attempt of the same number left there, as after a crash, is removed. */
  static begin(place: AttemptPlace, task: Task): AttemptFiles {
    const number = (task.attemptsLeftOut ?? 0) + task.attempts.length;
    const files = new AttemptFiles(place, `${task.id}.${number}`);
    for (const path of [files.result, files.notBefore]) if (exists(path)) Deno.removeSync(path);
    Deno.writeTextFileSync(files.task, JSON.stringify(task), { mode: 0o600 });
    return files;
  }

  /** Keeps the output within its bounds from now on. */
  watch(): void {
    this.#watch = setInterval(() => this.#bound(), LOOK_MS);
    Deno.unrefTimer(this.#watch);
  }

  /** How much the command has written so far, in bytes; grows with every line. */
  get written(): number {
    return this.#moved + sizeOf(this.output);
  }

  /** The end of the output as the store takes it; empty when there was none. */
  tail(maxBytes: number): string {
    const newest = readEnd(this.output, maxBytes);
    if (newest.length >= maxBytes || this.#moved === 0) {
      return storedText(new TextDecoder().decode(newest), maxBytes).trim();
    }
    const older = readEnd(`${this.output}.1`, maxBytes - newest.length);
    const text = new TextDecoder().decode(older) + new TextDecoder().decode(newest);
    return storedText(text, maxBytes).trim();
  }

  /**
   * What the command left in one of the files, without white space around it; `undefined` for nothing.
   *
   * @throws {InvalidArgumentError} when it is no file, no UTF-8 text, or larger than `maxBytes`.
   */
  left(path: string, maxBytes: number): string | undefined {
    if (!exists(path)) return undefined;
    const { isFile, size } = Deno.lstatSync(path);
    if (!isFile) throw invalid(path, "result file", "use a plain file");
    if (size > maxBytes) throw invalid(`${size} bytes`, "result file", `use at most ${maxBytes}`);
    try {
      const text = new TextDecoder("utf-8", { fatal: true }).decode(Deno.readFileSync(path)).trim();
      return text === "" ? undefined : text;
    } catch (error) {
      if (error instanceof TypeError) throw invalid(path, "result file", "write it in UTF-8");
      throw error;
    }
  }

  /** Ends the watch, and removes all but the output; that as well where there was none. */
  async end(): Promise<void> {
    clearInterval(this.#watch);
    await Promise.all([this.task, this.result, this.notBefore].map(removeIfPresent));
    if (this.written === 0) await removeIfPresent(this.output);
  }

  #bound(): void {
    const size = sizeOf(this.output);
    if (size <= this.#maxBytes / 2) return;
    const kept = readEnd(this.output, Math.floor(this.#maxBytes / 2));
    Deno.truncateSync(this.output, 0);
    const leftOut = this.#moved + size - kept.length;
    const head = leftOut > 0
      ? `[agentcoord: ${leftOut} bytes of output before this are gone]\n`
      : "";
    using file = Deno.openSync(`${this.output}.1`, {
      write: true,
      create: true,
      truncate: true,
      mode: 0o600,
    });
    writeAll(file, new TextEncoder().encode(head));
    writeAll(file, kept);
    this.#moved += size;
  }
}

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
}

function sizeOf(path: string): number {
  return exists(path) ? Deno.statSync(path).size : 0;
}

/** The last bytes of a file. */
function readEnd(path: string, maxBytes: number): Uint8Array {
  if (!exists(path)) return new Uint8Array();
  using file = Deno.openSync(path);
  const { size } = file.statSync();
  const length = Math.min(size, maxBytes);
  return readAt(file, size - length, length);
}
