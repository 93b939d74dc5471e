/**
 * One wrapped command: its process, everything that it started, and how both are signalled and ended.
 *
 * Without a controlling terminal, and in the background, the command gets a session of its own, so that
 * it can be ended with all it started. At a terminal it stays in our process group: elsewhere it could
 * not read the terminal or ask for a password there. It is then ended with its descendants, as far as
 * the system lists them.
 * @module
 */
import { sleep } from "../clock.ts";
import { executionFailure } from "../process/program.ts";
import { withCallersLimits } from "../process/limits.ts";
import { MARK, ProcessTree } from "../process/tree.ts";
import { hasTerminal, type PassedOn } from "./wrapper_signals.ts";
import { Watchdog } from "../process/watchdog.ts";

/** How often to look whether the last of the command's processes has ended. */
const LOOK_MS = 50;

/** How to start a command. */
export interface StartOptions {
  /** Added to our environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Time between SIGTERM and SIGKILL when this process dies before the command. */
  readonly graceMs: number;
  /** Keep it away from the terminal, if there is one. */
  readonly isBackground: boolean;
}

/** A started command. */
export class WrappedChild {
  readonly #process: Deno.ChildProcess;
  readonly #isSession: boolean;
  readonly #tree: ProcessTree;
  readonly #watchdog: Watchdog;
  #exited = false;
  #killAt = Infinity;
  #hurry: (() => void) | undefined;
  #ending: Promise<void> | undefined;

  private constructor(
    process: Deno.ChildProcess,
    watchdog: Watchdog,
    { isSession, mark }: { readonly isSession: boolean; readonly mark: string },
  ) {
    this.#process = process;
    this.#isSession = isSession;
    this.#watchdog = watchdog;
    void watchdog.guard(process.pid);
    this.#tree = new ProcessTree(process.pid, isSession, mark);
  }

  /**
   * Executes `words` with our standard streams.
   *
   * @throws {NotExecutedError} when it cannot be executed.
   */
  static start(
    words: readonly string[],
    { env, graceMs, isBackground }: StartOptions,
  ): WrappedChild {
    const [program = "", ...args] = words;
    const isSession = isBackground || !hasTerminal();
    const mark = crypto.randomUUID();
    // Those of wrappers around this one stay, so that each finds all that it started.
    const marks = [Deno.env.get(MARK) ?? "", mark].join(" ").trim();
    const watchdog = new Watchdog({ isSession, mark, graceMs });
    try {
      const command = new Deno.Command(program, {
        args,
        env: { ...env, [MARK]: marks },
        stdin: "inherit",
        stdout: "inherit",
        stderr: "inherit",
        detached: isSession,
      });
      const process = withCallersLimits(() => command.spawn());
      return new WrappedChild(process, watchdog, { isSession, mark });
    } catch (error) {
      watchdog.dismiss();
      throw executionFailure(program, Deno.env.toObject(), error);
    }
  }

  /** Waits for the command, and for the end of what {@linkcode WrappedChild.end} ends; how it ended. */
  async ended(): Promise<Deno.CommandStatus> {
    // A command killed by signal n has the code 128 + n.
    const status = await this.#process.status;
    this.#exited = true;
    this.#hurry?.();
    await this.#ending;
    this.#watchdog.dismiss();
    return status;
  }

  /**
   * Passes on a signal that was sent to us. One that asks to stop goes to the whole process group, as a
   * terminal would send it; any other may kill those that do not expect it, so only the command gets it.
   */
  forward(name: PassedOn): void {
    if (this.#exited) return;
    const toGroup = this.#isSession && name !== "SIGUSR1" && name !== "SIGUSR2";
    try {
      Deno.kill(toGroup ? -this.#process.pid : this.#process.pid, name);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** Ends the command and everything it started; when called again, the earlier end counts. */
  end(graceMs: number): void {
    this.#killAt = Math.min(this.#killAt, performance.now() + graceMs);
    this.#hurry?.();
    this.#ending ??= this.#end();
  }

  async #end(): Promise<void> {
    this.#tree.askToEnd();
    for (;;) {
      const leftMs = this.#killAt - performance.now();
      if (leftMs <= 0) break;
      if (this.#exited && !this.#tree.isAlive()) return;
      await this.#pause(this.#exited ? Math.min(leftMs, LOOK_MS) : leftMs);
    }
    await this.#tree.kill();
  }

  /** Sleeps until something has changed: the command exited, or must end earlier. */
  async #pause(ms: number): Promise<void> {
    const changed = new AbortController();
    this.#hurry = () => changed.abort();
    await sleep(ms, changed.signal);
    this.#hurry = undefined;
  }
}
