/**
 * Has a command do the tasks of a worker: one execution is one attempt.
 *
 * The protocol. The command finds the task as JSON on its standard input, and names and numbers in its environment
 * ({@linkcode taskEnvironment}). Its output goes to a file. It leaves a result, if it has one, in the file that
 * `AGENTCOORD_RESULT` names. Exit code 0 completes the task, if the command that verifies it agrees; 75 (EX_TEMPFAIL of
 * sysexits(3)) gives it back, until the instant in the file that `AGENTCOORD_NOT_BEFORE` names; any other fails the
 * attempt, with the end of the output.
 *
 * When work has to stop, or takes too long, the command gets SIGTERM with all that it started, a grace, then SIGKILL.
 * When this process is killed a watchdog does the same. What a command that ended by itself leaves running goes on.
 * @module
 */
import { sleep } from "../clock.ts";
import { formatDuration, parseInstant } from "../duration.ts";
import { CoordError } from "../errors.ts";
import { given } from "../given.ts";
import { LIMITS } from "../name.ts";
import { MARK, ProcessTree } from "../process/tree.ts";
import { Watchdog } from "../process/watchdog.ts";
import type { HeldTask } from "../task/held.ts";
import type { JsonValue, Task } from "../task/model.ts";
import { AttemptFiles, type AttemptPlace } from "./attempt_files.ts";
import type { TaskHandler } from "./model.ts";
import { type Execution, Shell } from "./shell.ts";

/** The exit code that gives a task back. */
export const EXIT_RELEASED = 75;
/** As much of the output is kept with the attempt. */
const TAIL_BYTES = 4096;
/** How often a running command's output is looked at for a sign of progress. */
const PROGRESS_MS = 10_000;
/** How often to look whether the last process has ended. */
const LOOK_MS = 50;

/** How a command does tasks. */
export interface CommandOptions extends AttemptPlace {
  /** The command and its arguments. */
  readonly words: readonly string[];
  /** Where it works. */
  readonly cwd: string;
  /** Its whole environment, but for what each task adds. */
  readonly env: Readonly<Record<string, string>>;
  /** The longest it may run, in milliseconds. Default: no limit. */
  readonly timeoutMs?: number;
  /** A shell's command line that must exit with 0 for a completion to count. Default: none. */
  readonly verify?: string;
  /** Time between SIGTERM and SIGKILL, in milliseconds. */
  readonly graceMs: number;
}

/** Runs commands for tasks until it is closed. */
export class CommandRunner implements AsyncDisposable {
  readonly #options: CommandOptions;
  readonly #watchdog: Watchdog;
  readonly #mark = crypto.randomUUID();
  /** Shells without work, by what they execute. */
  readonly #idle = { command: [] as Shell[], verify: [] as Shell[] };

  /** Starts what guards the commands; the commands themselves are started with the tasks. */
  constructor(options: CommandOptions) {
    this.#options = options;
    this.#watchdog = new Watchdog({
      isSession: false,
      mark: this.#mark,
      graceMs: options.graceMs,
    });
  }

  /** Does one task; see {@linkcode runWorker}. */
  readonly handle: TaskHandler = async (held, signal) => {
    const { directory, outputBytes } = this.#options;
    const files = AttemptFiles.begin({ directory, outputBytes }, held.task);
    try {
      return await this.#attempt(held, signal, files);
    } finally {
      await files.end();
    }
  };

  /** Ends the shells; nothing must be under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { command, verify } = this.#idle;
    await Promise.all([...command, ...verify].map((shell) => shell.close()));
    this.#watchdog.dismiss();
  }

  async #attempt(
    held: HeldTask,
    signal: AbortSignal,
    files: AttemptFiles,
  ): Promise<JsonValue | void> {
    const code = await this.#execute("command", held, signal, files);
    signal.throwIfAborted();
    if (code === EXIT_RELEASED) return void await this.#release(held, files);
    if (code !== 0) throw new Error(withTail(exitText("the command", code), files));
    const result = resultOf(files);
    if (this.#options.verify !== undefined) {
      const verified = await this.#execute("verify", held, signal, files);
      signal.throwIfAborted();
      if (verified !== 0) {
        throw new Error(
          withTail(exitText("the command was done, but its verification", verified), files),
        );
      }
    }
    // A silent command costs no call.
    if (files.written > 0) await held.progress(withTail("exit code 0", files));
    return result;
  }

  async #release(held: HeldTask, files: AttemptFiles): Promise<void> {
    const text = files.left(files.notBefore, 100);
    const notBeforeMs = text === undefined
      ? undefined
      : parseInstant(text, "AGENTCOORD_NOT_BEFORE", Date.now());
    await held.release(
      withTail(`the command gave it back (exit code ${EXIT_RELEASED})`, files),
      given({ notBeforeMs }),
    );
  }

  /** Executes the command, or what verifies it, and answers with the exit code. */
  async #execute(
    what: "command" | "verify",
    held: HeldTask,
    signal: AbortSignal,
    files: AttemptFiles,
  ): Promise<number> {
    const { cwd, timeoutMs } = this.#options;
    const shell = this.#idle[what].pop() ?? this.#start(what);
    const mark = crypto.randomUUID();
    const execution = await shell.execute({
      directory: cwd,
      input: files.task,
      output: files.output,
      env: { ...taskEnvironment(held.task, files), [MARK]: `${this.#marks} ${mark}` },
    });
    const overdue = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
    const stop = overdue === undefined ? signal : AbortSignal.any([signal, overdue]);
    const code = await this.#watch(execution, { shell, mark, held, files, stop });
    if (!shell.isDead) this.#idle[what].push(shell);
    if (overdue?.aborted && !signal.aborted) {
      throw new Error(withTail(`it ran longer than ${formatDuration(timeoutMs!)}`, files));
    }
    return code;
  }

  /** Waits for the end of an execution; ends it when it has to stop. */
  async #watch(
    execution: Execution,
    { shell, mark, held, files, stop }: {
      readonly shell: Shell;
      readonly mark: string;
      readonly held: HeldTask;
      readonly files: AttemptFiles;
      readonly stop: AbortSignal;
    },
  ): Promise<number> {
    // Most of what a quick command costs would be these timers.
    const early = await Promise.race([execution.code, sleep(LOOK_MS, stop)]);
    if (early !== undefined) return early;
    const ended = new AbortController();
    files.watch();
    const noting = this.#noteProgress(held, files, ended.signal);
    const ending = Promise.race([whenAborted(stop), whenAborted(ended.signal)]).then(async () => {
      if (stop.aborted && !ended.signal.aborted) {
        await this.#end(treeOf(execution, shell, mark));
      }
    });
    try {
      return await execution.code;
    } finally {
      ended.abort();
      await Promise.all([noting, ending]);
    }
  }

  /** A command whose output grows makes progress: its last line is the attempt's note. */
  async #noteProgress(held: HeldTask, files: AttemptFiles, ended: AbortSignal): Promise<void> {
    for (let seen = 0;;) {
      await sleep(PROGRESS_MS, ended);
      if (ended.aborted) return;
      const { written } = files;
      if (written === seen) continue;
      seen = written;
      const line = files.tail(1024).split("\n").at(-1)!;
      // A note that cannot be left is no reason to stop: the lease has its own keeper.
      if (line !== "") await held.progress(line).catch(expectCoordError);
    }
  }

  async #end(tree: ProcessTree): Promise<void> {
    tree.askToEnd();
    for (let leftMs = this.#options.graceMs; leftMs > 0 && tree.isAlive(); leftMs -= LOOK_MS) {
      await sleep(Math.min(leftMs, LOOK_MS));
    }
    await tree.kill();
  }

  get #marks(): string {
    return [this.#options.env[MARK] ?? "", this.#mark].join(" ").trim();
  }

  #start(what: "command" | "verify"): Shell {
    const { words, env, verify } = this.#options;
    const executed = what === "command" ? words : ["/bin/sh", "-c", verify!];
    return new Shell(executed, { ...env, [MARK]: this.#marks });
  }
}

/** What each task adds to the command's environment. */
export function taskEnvironment(task: Task, files: AttemptFiles): Record<string, string> {
  return {
    AGENTCOORD_TASK_ID: task.id,
    AGENTCOORD_TASK_FENCE: String(task.lease!.fence),
    AGENTCOORD_TASK_ATTEMPT: String(task.attemptsUsed),
    AGENTCOORD_TASK_FILE: files.task,
    AGENTCOORD_RESULT: files.result,
    AGENTCOORD_NOT_BEFORE: files.notBefore,
  };
}

/** JSON as the command left it, or else its text. */
function resultOf(files: AttemptFiles): JsonValue | undefined {
  const text = files.left(files.result, LIMITS.resultBytes);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** All that one execution has started. */
function treeOf({ pid }: Execution, shell: Shell, mark: string): ProcessTree {
  return pid > 0 ? new ProcessTree(pid, false, mark) : new ProcessTree(shell.pid, true, mark);
}

function exitText(subject: string, code: number): string {
  if (code > 128 && code < 128 + 65) return `${subject} was killed by signal ${code - 128}`;
  if (code === 127) return `${subject} was not found, or found no program (exit code 127)`;
  if (code === 126) return `${subject} cannot be executed (exit code 126)`;
  return `${subject} ended with exit code ${code}`;
}

/** A sentence and the end of the output. */
function withTail(sentence: string, files: AttemptFiles): string {
  const tail = files.tail(TAIL_BYTES);
  return tail === "" ? sentence : `${sentence}\n${tail}`;
}

function expectCoordError(error: unknown): void {
  if (!(error instanceof CoordError)) throw error;
}

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
