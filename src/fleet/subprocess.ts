/**
 * Workers as processes of this host.
 *
 * A worker is a child of a small shell that starts it again when it fails (supervisor.ts), in a session of its own,
 * with its output in a file: so it outlives whoever spawned it, and nothing that is typed at a terminal reaches it.
 * The place names the shell by its number and by when it was started, as numbers are used again.
 *
 * Ending. SIGTERM has the worker leave once its tasks are done, a second one give them back at once, which takes as long
 * as the grace of its commands. Whatever is still there of the session after that is killed.
 * @module
 */
import { sleep } from "../clock.ts";
import { exists } from "../disk.ts";
import { StoreUnavailableError } from "../errors.ts";
import { quote } from "../name.ts";
import { startOf } from "../process/identity.ts";
import { MARK, ProcessTree, sendSignal } from "../process/tree.ts";
import { followFile } from "./log_file.ts";
import type {
  Liveness,
  LogOptions,
  Place,
  SpawnMode,
  SpawnRequest,
  TerminateOptions,
} from "./mode.ts";
import { supervised, type SupervisorOptions } from "./supervisor.ts";

/** How workers are run as processes. */
export interface SubprocessOptions extends Omit<SupervisorOptions, "log"> {
  /** The words that start this program. */
  readonly self: readonly [string, ...string[]];
  /** Where workers run. */
  readonly cwd: string;
  /** Makes the directory for what they write; its absolute path. */
  readonly logDirectory: () => string;
  /** The name of this host. */
  readonly host: string;
}

/** How long a worker may take to give its tasks back: the grace of its commands, and some more. */
const GIVE_UP_MS = 10_000;
/** How often to look whether it has ended. */
const LOOK_MS = 50;
/** Output of earlier workers beyond this is moved aside before a worker of the same name is started, in bytes. */
const LOG_BYTES = 10 * 1024 * 1024;

/** A place of this mode. */
interface Session {
  readonly host: string;
  /** Of the shell, which leads the session. */
  readonly pid: number;
  readonly startedAt: string;
  /** What all that it starts has in its environment. */
  readonly mark: string;
  readonly log: string;
}

/** {@linkcode SpawnMode} as processes of this host. */
export class Subprocesses implements SpawnMode {
  readonly name = "subprocess";
  readonly #options: SubprocessOptions;

  /** Starts nothing yet. */
  constructor(options: SubprocessOptions) {
    this.#options = options;
  }

  async spawn({ name, namespace, words, env }: SpawnRequest): Promise<Place> {
    const { self, cwd, logDirectory, host } = this.#options;
    const log = `${logDirectory()}/worker.${namespace}.${name}.log`;
    setAside(log);
    const [program, ...args] = supervised([...self, ...words], { ...this.#options, log });
    // Not those of a wrapper around the spawner: it would end the worker along with its own command.
    const mark = crypto.randomUUID();
    const child = new Deno.Command(program, {
      args,
      cwd,
      clearEnv: true,
      env: { ...env, [MARK]: mark },
      detached: true,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    child.unref();
    const startedAt = await startOf(child.pid);
    const place: Session = { host, pid: child.pid, startedAt: startedAt ?? "", mark, log };
    return { ...place };
  }

  async isAlive(place: Place): Promise<Liveness> {
    const { host, pid, startedAt } = sessionAt(place);
    if (host !== this.#options.host) return { state: "unknown", why: `it runs on ${host}` };
    if (await startOf(pid) === startedAt) return { state: "alive" };
    return { state: "dead", why: `process ${pid} has ended` };
  }

  async terminate(place: Place, { drainMs, signal }: TerminateOptions): Promise<void> {
    const { pid, mark } = this.#reach(place, () => "end a process");
    const hasEnded = async () => (await this.isAlive(place)).state === "dead";
    if (drainMs > 0 && await this.#ask(pid, hasEnded, drainMs, signal)) return;
    if (drainMs <= 0) sendSignal(pid, "SIGTERM");
    if (await this.#ask(pid, hasEnded, GIVE_UP_MS)) return;
    await new ProcessTree(pid, true, mark).kill();
  }

  async *logs(place: Place, options: LogOptions): AsyncIterable<string> {
    const { log } = this.#reach(place, ({ log }) => `read ${log}`);
    const lives = async () => (await this.isAlive(place)).state !== "dead";
    yield* followFile(log, { ...options, lives });
  }

  /** The session at a place, which must be on this host. */
  #reach(place: Place, what: (session: Session) => string): Session {
    const session = sessionAt(place);
    const { host, log } = session;
    if (host === this.#options.host) return session;
    throw new StoreUnavailableError(
      `Cannot ${what(session)} of host ${quote(host)} from here: run the command there`,
      { host, path: log },
    );
  }

  /** Sends SIGTERM, and answers whether it has ended in time. */
  async #ask(
    pid: number,
    hasEnded: () => Promise<boolean>,
    patienceMs: number,
    signal?: AbortSignal,
  ): Promise<boolean> {
    if (await hasEnded()) return true;
    sendSignal(pid, "SIGTERM");
    const until = performance.now() + patienceMs;
    while (performance.now() < until && !signal?.aborted) {
      await sleep(Math.min(LOOK_MS, patienceMs), signal);
      if (await hasEnded()) return true;
    }
    return await hasEnded();
  }
}

function sessionAt(place: Place): Session {
  const { host, pid, startedAt, mark, log } = place;
  return {
    host: String(host),
    pid: Number(pid),
    startedAt: String(startedAt),
    mark: String(mark),
    log: String(log),
  };
}

function setAside(log: string): void {
  if (exists(log) && Deno.statSync(log).size > LOG_BYTES) Deno.renameSync(log, `${log}.1`);
}
