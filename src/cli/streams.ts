/**
 * Writing to the standard streams until all of it is out.
 * @module
 */
import { sleep } from "../clock.ts";
import { OutputError, ReaderGone } from "./run.ts";

/** The longest pause before a full pipe is tried again. */
const MAX_PAUSE_MS = 20;

/**
 * The most that a pipe takes whole or not at all (PIPE_BUF, pipe(7)). The runtime's write goes on until all
 * is written and does not tell how much was when it fails, so no more is given to it at once.
 */
const CHUNK_BYTES = Deno.build.os === "linux" ? 4096 : 512;

/** What can be written to. */
interface Sink {
  writeSync(data: Uint8Array): number;
}

/** One standard stream; texts come out whole and in the order they were given. */
export class Output {
  readonly #sink: Sink;
  readonly #encoder = new TextEncoder();
  #before: Promise<void> | undefined;

  /** Writes to `sink`. */
  constructor(sink: Sink) {
    this.#sink = sink;
  }

  /**
   * Writes all of `text`; what fits goes out before this returns. Somebody else may have made the pipe
   * non-blocking (O_NONBLOCK is shared by all who hold it), so a full one is waited for.
   *
   * @throws {ReaderGone} when nobody reads it any more.
   * @throws {OutputError} when the system refuses it, as on a full disk.
   */
  write(text: string): Promise<void> {
    const bytes = this.#encoder.encode(text);
    const before = this.#before;
    const written = before === undefined
      ? this.#write(bytes)
      : before.catch(() => undefined).then(() => this.#write(bytes));
    const done = written.finally(() => {
      if (this.#before === done) this.#before = undefined;
    });
    this.#before = done;
    return done;
  }

  /** Waits until what was given so far is written or has failed. */
  async flush(): Promise<void> {
    await this.#before?.catch(() => undefined);
  }

  async #write(bytes: Uint8Array): Promise<void> {
    let pauseMs = 1;
    for (let done = 0; done < bytes.length;) {
      try {
        done += this.#sink.writeSync(bytes.subarray(done, done + CHUNK_BYTES));
        pauseMs = 1;
      } catch (error) {
        if (!(error instanceof Deno.errors.WouldBlock)) throw failureOf(error);
        await sleep(pauseMs);
        pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS);
      }
    }
  }
}

/**
 * Whether what is written to standard output is seen by nobody: it was closed when this process started, for
 * which the runtime opens the null device in its place, for reading and writing (as programs do that start
 * others without output). A shell's `>/dev/null`, which somebody chose, is open for writing only. `false` where
 * the system does not tell.
 */
export function isUnseen(): boolean {
  try {
    const place = Deno.readLinkSync("/proc/self/fd/1");
    const flags = /^flags:\s*([0-7]+)$/m.exec(Deno.readTextFileSync("/proc/self/fdinfo/1"))?.[1];
    // The two lowest bits are the access mode (open(2)): 1 is for writing only, 2 for both.
    return place === "/dev/null" && flags !== undefined && (parseInt(flags, 8) & 3) === 2;
  } catch {
    return false;
  }
}

function failureOf(error: unknown): Error {
  if (error instanceof Deno.errors.BrokenPipe) return new ReaderGone();
  const reason = error instanceof Error ? error.message : String(error);
  return new OutputError(
    `Cannot write the output: ${reason.replace(/ \(os error \d+\)$/, "")}`,
    { cause: error },
  );
}
