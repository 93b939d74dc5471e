/**
 * Commands to wrap, and ways to watch them: small shell scripts that leave traces in files.
 * @module
 */
import assert from "node:assert/strict";
import { cliJson, start } from "./cli.ts";
import { GENEROUS_MS } from "../../dev/sleepers.ts";

/** A started command line whose output is collected while it runs. */
export class Running {
  readonly #process: Deno.ChildProcess;
  readonly #output: Promise<Deno.CommandOutput>;

  /** Starts `args` in `dir`, acting as `ada` unless `env` says otherwise. */
  constructor(dir: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#process = start(dir, args, { env: { AGENTCOORD_AGENT: "ada", ...env } });
    this.#output = this.#process.output();
  }

  /** The pid of the wrapper. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Signals the wrapper. */
  kill(signal: Deno.Signal): void {
    this.#process.kill(signal);
  }

  /** What it left behind, once it has ended. */
  async result(): Promise<
    { readonly code: number; readonly stdout: string; readonly stderr: string }
  > {
    const { code, stdout, stderr } = await this.#output;
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  }
}

/** Waits until `look` gives something; fails after `limitMs`. */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  limitMs = GENEROUS_MS,
): Promise<T> {
  const until = performance.now() + limitMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > until) throw new Error(`${what} did not happen within ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}

/** Waits until `look` gives exactly `expected`. */
export async function eventuallyEqual(look: () => string, expected: string): Promise<void> {
  try {
    await eventually("", () => look() === expected || undefined);
  } catch {
    assert.equal(look(), expected);
  }
}

/** The text of a file once it is there and not empty. */
export function written(path: string): Promise<string> {
  return eventually(`${path} written`, () => textOf(path) || undefined);
}

/** The text of a file, or `""` while it is missing. */
export function textOf(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/** Whether a process runs; one that has ended but not been waited for does not. */
export function runs(pid: number): boolean {
  const stat = textOf(`/proc/${pid}/stat`);
  return stat !== "" && !/\) [ZX] /.test(stat);
}

/** Waits until a process has ended. */
export function gone(pid: number, limitMs?: number): Promise<true> {
  return eventually(`the end of process ${pid}`, () => !runs(pid) || undefined, limitMs);
}

/** Waits until some process waits for something in the store of `dir`. */
export function waiterSeen(dir: string): Promise<true> {
  return eventually("a waiter", () => {
    try {
      return [...Deno.readDirSync(`${dir}/.agentcoord/namespaces/default/bells`)].length > 0 ||
        undefined;
    } catch {
      return undefined;
    }
  });
}

/** Asserts that nobody holds any lock. */
export async function assertNothingHeld(dir: string): Promise<void> {
  assert.deepEqual((await cliJson(dir, ["locks"])).document.data, []);
}
