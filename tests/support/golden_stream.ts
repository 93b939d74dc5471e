/**
 * A command that prints line after line until it is ended.
 * @module
 */
import type { Timer } from "../../src/clock.ts";
import assert from "node:assert/strict";
import { start } from "./cli.ts";
import { eventually } from "./wrapped.ts";

/** Longest wait for one line. */
const LINE_MS = 20_000;

/** A running stream whose lines are read one by one. */
export class Stream {
  readonly #process: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #stderr: Promise<string>;

  /** Starts `args` in `dir`. */
  constructor(dir: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#process = start(dir, args, { env });
    this.#lines = this.#process.stdout.pipeThrough(new TextDecoderStream())
      .pipeThrough(splitLines()).getReader();
    this.#stderr = new Response(this.#process.stderr).text();
  }

  /** The next line, without its line feed. */
  async next(): Promise<string> {
    let timer: Timer | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no line within ${LINE_MS} ms`)), LINE_MS);
    });
    try {
      const { value, done } = await Promise.race([this.#lines.read(), late]);
      if (done) throw new Error(`the stream has ended; ${await this.#stderr}`);
      return value;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The next `count` lines, each one JSON object. */
  // deno-lint-ignore no-explicit-any -- a test looks into the objects as their reader would
  async objects(count: number): Promise<any[]> {
    const objects = [];
    for (let index = 0; index < count; index++) {
      const line = await this.next();
      const object = JSON.parse(line);
      assert.equal(JSON.stringify(object), line);
      objects.push(object);
    }
    return objects;
  }

  /** Ends it as Ctrl-C would; gives what it had printed beyond the lines read, and stderr. */
  async end(): Promise<{ readonly more: readonly string[]; readonly stderr: string }> {
    this.#process.kill("SIGINT");
    const more = [];
    for (;;) {
      const { value, done } = await this.#lines.read();
      if (done) break;
      more.push(value);
    }
    const { signal } = await this.#process.status;
    assert.equal(signal, "SIGINT");
    return { more, stderr: await this.#stderr };
  }
}

/** Waits until `count` processes wait for something in the store of `dir`. */
export function listening(dir: string, count: number): Promise<true> {
  return eventually(`${count} waiting`, () => {
    try {
      const bells = [...Deno.readDirSync(`${dir}/.agentcoord/namespaces/default/bells`)];
      return bells.length >= count || undefined;
    } catch {
      return undefined;
    }
  }, LINE_MS);
}

function splitLines(): TransformStream<string, string> {
  let rest = "";
  return new TransformStream({
    transform(text, controller) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) controller.enqueue(line);
    },
    flush(controller) {
      if (rest !== "") controller.enqueue(`${rest}⏎`);
    },
  });
}
