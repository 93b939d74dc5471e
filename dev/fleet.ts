/**
 * A fleet of real worker processes that chaos can be done to: killed and replaced, frozen and resumed.
 * Each worker writes one JSON object a line to its own log, opened for appending, so nothing it has
 * written is lost when it dies.
 * @module
 */

/** One worker process and where it writes. */
interface Worker {
  readonly slot: number;
  readonly child: Deno.ChildProcess;
  frozen: boolean;
}

/** A fleet under way. */
export class Fleet {
  readonly #script: string;
  readonly #args: readonly string[];
  readonly #directory: string;
  readonly #flags: readonly string[];
  readonly #workers = new Map<number, Worker>();
  #started = 0;
  /** Processes ended by {@linkcode Fleet.kill}. */
  kills = 0;
  /** Processes frozen by {@linkcode Fleet.freeze}. */
  freezes = 0;

  /**
   * Workers run `dev/workers/<script>`, or the module with that URL, with `args`, the name of
   * their slot and the path of their log. `flags` are for the runtime.
   */
  constructor(
    script: string,
    args: readonly string[],
    directory: string,
    flags: readonly string[] = [],
  ) {
    this.#script = new URL(script, new URL("./workers/", import.meta.url)).pathname;
    this.#args = args;
    this.#directory = directory;
    this.#flags = flags;
    Deno.mkdirSync(`${directory}/logs`, { recursive: true });
  }

  /** Starts a worker in `slot`, replacing nobody. */
  start(slot: number): void {
    const log = `${this.#directory}/logs/${String(this.#started++).padStart(4, "0")}-${slot}.jsonl`;
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--no-check", "--quiet", ...this.#flags, this.#script],
        ...[...this.#args, `slot${slot}`, log],
      ],
      stdin: "null",
      stdout: "inherit",
      stderr: "inherit",
    }).spawn();
    this.#workers.set(slot, { slot, child, frozen: false });
  }

  /** Ends the worker in `slot` with SIGKILL. */
  async kill(slot: number): Promise<void> {
    const worker = this.#workers.get(slot);
    if (worker === undefined) return;
    signal(worker, "SIGKILL");
    await worker.child.status;
    this.#workers.delete(slot);
    this.kills++;
  }

  /** Freezes the worker in `slot` for `ms`. */
  async freeze(slot: number, ms: number): Promise<void> {
    const worker = this.#workers.get(slot);
    if (worker === undefined || worker.frozen) return;
    worker.frozen = true;
    this.freezes++;
    signal(worker, "SIGSTOP");
    await new Promise((resolve) => setTimeout(resolve, ms));
    signal(worker, "SIGCONT");
    worker.frozen = false;
  }

  /** Freezes the worker in `slot` until it is killed. */
  stun(slot: number): void {
    const worker = this.#workers.get(slot);
    if (worker !== undefined) signal(worker, "SIGSTOP");
  }

  /** The process in `slot`; `undefined` when there is none. */
  pid(slot: number): number | undefined {
    return this.#workers.get(slot)?.child.pid;
  }

  /**
   * Waits until every worker has left by itself; answers with how many failed. Whoever is still there after
   * `withinMs` is ended, and has failed.
   */
  async finished(withinMs?: number): Promise<number> {
    const workers = [...this.#workers.values()];
    const endAll = () => workers.forEach((worker) => signal(worker, "SIGKILL"));
    const timer = withinMs === undefined ? undefined : setTimeout(endAll, withinMs);
    const statuses = await Promise.all(workers.map(({ child }) => child.status));
    clearTimeout(timer);
    this.#workers.clear();
    return statuses.filter(({ success }) => !success).length;
  }

  /** Everything the workers wrote, in no order across workers. */
  records<T>(): T[] {
    const records: T[] = [];
    for (const { name } of Deno.readDirSync(`${this.#directory}/logs`)) {
      const lines = Deno.readTextFileSync(`${this.#directory}/logs/${name}`).split("\n");
      // The last line of a killed worker may be cut; what it says had not been acted on by anybody.
      for (const line of lines.slice(0, -1)) records.push(JSON.parse(line));
    }
    return records;
  }
}

function signal({ child }: Worker, name: Deno.Signal): void {
  try {
    child.kill(name);
  } catch (error) {
    // It left by itself in the meantime.
    if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Opens a worker's log; each call of the result writes one line. */
export function openLog(path: string): (record: Readonly<Record<string, unknown>>) => void {
  const file = Deno.openSync(path, { create: true, append: true });
  const encoder = new TextEncoder();
  return (record) => {
    file.writeSync(encoder.encode(`${JSON.stringify(record)}\n`));
  };
}

/** Small seeded generator (mulberry32), so that a failing run can be repeated. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4294967296;
  };
}

/** Whether a file is there: how a test stops a fleet. */
export function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
