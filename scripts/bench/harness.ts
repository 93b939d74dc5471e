/**
 * What every benchmark shares: alternating rounds, medians, private directories, and worker processes.
 *
 * The machine drifts and other programs run on it, so figures are compared only within one run: the
 * sides take turns (A B A B ...), each turn in a new process with files of its own, and what is
 * reported is the median over the rounds.
 * @module
 */
import { cpSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** How much to measure. */
export interface Effort {
  /** Turns of each side. */
  readonly rounds: number;
  /** Less work per turn: enough to see that everything runs, too little to rely on. */
  readonly quick: boolean;
}

/** What one turn measured, by name. */
export type Sample<Metric extends string> = Readonly<Record<Metric, number>>;

/** Each side's values of each metric, by round. */
export type Series<Side extends string, Metric extends string> = Readonly<
  Record<Side, Readonly<Record<Metric, readonly number[]>>>
>;

/** Lets the sides take turns. */
export async function alternate<Side extends string, Metric extends string>(
  rounds: number,
  sides: Readonly<Record<Side, () => Promise<Sample<Metric>>>>,
): Promise<Series<Side, Metric>> {
  const names = Object.keys(sides) as Side[];
  const samples = new Map(names.map((name) => [name, [] as Sample<Metric>[]]));
  for (let round = 0; round < rounds; round++) {
    for (const name of names) samples.get(name)!.push(await sides[name]());
  }
  const entries = names.map((name) => [name, byMetric(samples.get(name)!)]);
  return Object.fromEntries(entries) as Series<Side, Metric>;
}

function byMetric<Metric extends string>(
  turns: readonly Sample<Metric>[],
): Record<Metric, readonly number[]> {
  const metrics = Object.keys(turns[0] ?? {}) as Metric[];
  const entries = metrics.map((metric) => [metric, turns.map((turn) => turn[metric])]);
  return Object.fromEntries(entries) as Record<Metric, readonly number[]>;
}

/** The value below which the share `q` (0 to 1) of `values` lies; the nearest one there is. */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) return NaN;
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(Math.floor(q * sorted.length), sorted.length - 1)]!;
}

/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[upper]! : (sorted[upper - 1]! + sorted[upper]!) / 2;
}

/** How many times per second something happens that happened `count` times in `ms`. */
export function perSecond(count: number, ms: number): number {
  return count / ms * 1000;
}

/** Calls `body` with an empty directory that is removed afterwards. */
export async function withDirectory<T>(body: (directory: string) => Promise<T>): Promise<T> {
  const directory = await Deno.makeTempDir({ prefix: "agentcoord-bench-" });
  try {
    return await body(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Calls `body` with a private copy of `template`, already on the disk: its write-back disturbs nobody. */
export function withCopy<T>(
  template: string,
  body: (directory: string) => Promise<T>,
): Promise<T> {
  return withDirectory((directory) => {
    cpSync(template, directory, { recursive: true });
    syncFiles(directory);
    return body(directory);
  });
}

function syncFiles(directory: string): void {
  for (const { name, isDirectory } of Deno.readDirSync(directory)) {
    const path = `${directory}/${name}`;
    if (isDirectory) {
      syncFiles(path);
      continue;
    }
    using file = Deno.openSync(path);
    file.syncSync();
  }
}

/** In a worker: says that everything is open and warm, and returns at the moment when all may start. */
export type Start = () => Promise<void>;

/** Work that is measured in processes of its own. */
export interface Worker<Args, Result> {
  /** What such a process does. */
  readonly body: (args: Args, start: Start) => Promise<Result>;
  /** Runs one process for each element of `args`, all at once. */
  readonly run: (args: readonly Args[]) => Promise<Result[]>;
}

/** Defines the work of `module`, which must export it as `worker`. Arguments and results are JSON. */
export function defineWorker<Args, Result>(
  module: string,
  body: Worker<Args, Result>["body"],
): Worker<Args, Result> {
  return { body, run: (args) => runFleet(args.map((own) => new Child(denoWorker(module), own))) };
}

/** A program to start. */
export interface Program {
  readonly path: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs one process of `program`, which speaks as workers do: it reads its arguments, says that it is
 * ready, reads when to start, and says its result, each as one line of JSON.
 */
export async function runProgram<Result>(program: Program, args: unknown): Promise<Result> {
  const [result] = await runFleet<Result>([new Child(program, args)]);
  return result!;
}

/** Time for workers to read that they may start. */
const HEAD_START_MS = 50;

async function runFleet<Result>(children: readonly Child[]): Promise<Result[]> {
  try {
    await Promise.all(children.map((child) => child.line()));
    const startAtMs = Date.now() + HEAD_START_MS;
    await Promise.all(children.map((child) => child.say(startAtMs)));
    return await Promise.all(children.map((child) => child.line() as Promise<Result>));
  } finally {
    await Promise.all(children.map((child) => child.end()));
  }
}

function denoWorker(module: string): Program {
  const config = ["--config", fileHere("../../deno.json")];
  const args = ["run", "-A", "--quiet", ...config, fileHere("./worker.ts"), module];
  return { path: Deno.execPath(), args };
}

function fileHere(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** A worker process, seen from the benchmark. Both sides write one JSON value a line. */
class Child {
  readonly #process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: AsyncGenerator<string>;

  constructor({ path, args: words, env }: Program, args: unknown) {
    this.#process = new Deno.Command(path, {
      args: [...words],
      ...(env && { env: { ...env } }),
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#input = this.#process.stdin.getWriter();
    this.#lines = linesOf(this.#process.stdout);
    this.say(args).catch(() => undefined); // A process that died says so by its missing line.
  }

  say(value: unknown): Promise<void> {
    return this.#input.write(new TextEncoder().encode(`${JSON.stringify(value)}\n`));
  }

  async line(): Promise<unknown> {
    const { done, value } = await this.#lines.next();
    if (done) throw new Error(`worker process ${this.#process.pid} ended without a result`);
    return JSON.parse(value);
  }

  async end(): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch (error) {
      // It has left by itself, as it should.
      if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
    }
    await this.#lines.return(undefined);
    await this.#input.abort().catch(() => undefined);
    await this.#process.status;
  }
}

/** The lines of a stream, without their ends. */
export async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
