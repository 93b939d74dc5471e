/**
 * Running somebody else's command under something held: a lock, a registration, an approval.
 *
 * The protocol. What the command runs under is had first and released last, on every way out. The
 * command is executed directly, with our standard streams, and its exit code becomes ours. Signals sent
 * to us are passed on to it, and when it dies of one that asks to end, so do we once all is released:
 * a shell stops its loop only when what it waits for died of the Ctrl-C. When what it runs under cannot be confirmed in
 * time, or its time is up, it gets SIGTERM, a grace, then SIGKILL; whoever holds a lease fires early enough for all of
 * that to be over before the lease can lapse (see {@linkcode leaseGrace}). When this process itself is killed, a
 * watchdog ends the command in the same way.
 *
 * What it cannot do: end the command while this process itself is frozen (SIGSTOP, a suspended machine).
 * It does so on waking up; what the command writes in between is what fences are for. Processes that a
 * command leaves behind when it ends by itself go on, without what it ran under.
 * @module
 */
import { given } from "../given.ts";
import { sleep } from "../clock.ts";
import { formatDuration } from "../duration.ts";
import { asCoordError, type ErrorCode, EXIT_CODES, InvalidArgumentError } from "../errors.ts";
import { type Cli, type EndingSignal, Exit } from "./command.ts";
import { WrappedChild } from "./wrapper_child.ts";
import { executable, NotExecutedError } from "../process/program.ts";
import { signalNumber, Signals } from "./wrapper_signals.ts";
import { engineOf } from "../open/engines.ts";

/** The longest time between SIGTERM and SIGKILL. */
export const GRACE_MS = 5000;

/** How long after the command's end a signal that reached both may take to be noticed here. */
const NOTICE_MS = 200;

/** Exit codes of the wrappers, beside those of the wrapped command. */
export const WRAPPER_EXIT = {
  /** What the command should run under was not had; EX_TEMPFAIL of sysexits(3). */
  refused: 75,
  /** The command took longer than it was allowed to; as timeout(1). */
  timeout: 124,
  /** The wrapper failed; as env(1) and timeout(1). */
  failed: 125,
} as const;

/** What help says about the exit codes; `own` are those of this wrapper alone. */
export function exitCodesHelp(...own: readonly string[]): string {
  return `
Exit codes: the command's own, or 128+n when signal n killed it;
${[...own, "125 this program failed or lost what the command ran under"].join(";\n")};
126 the command cannot be executed; 127 there is no such command; 2 wrong usage.`;
}

/** What a command runs under. */
export interface Tenure {
  /** Added to the command's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Fires when the command must end; its reason is an error whose message says why. */
  readonly signal?: AbortSignal;
  /**
   * Releases everything; called once.
   *
   * @throws {LeaseLostError} when it had not been held to the end.
   */
  readonly end: () => Promise<void>;
}

/** How to wrap. */
export interface WrapOptions {
  /** Gets what the command shall run under; ends early when `signal` fires. */
  readonly begin: (signal: AbortSignal) => Promise<Tenure>;
  /** Time between SIGTERM and SIGKILL. Default {@linkcode GRACE_MS}. */
  readonly graceMs?: number;
  /** The longest the command may run. Default: no limit. */
  readonly timeoutMs?: number;
  /** Exit codes of failures before the command started; others exit as {@linkcode WRAPPER_EXIT.failed}. */
  readonly exitCodes?: Partial<Record<ErrorCode, number>>;
}

/** Runs the words after `--` and answers with the exit code to leave with. */
export async function wrap(cli: Cli, options: WrapOptions): Promise<Exit> {
  using signals = new Signals();
  let tenure: Tenure;
  try {
    executable(cli.rest, cli.env);
    tenure = await options.begin(signals.aborted);
  } catch (error) {
    return interrupted(signals) ?? refused(error, options);
  }
  const exit = interrupted(signals) ?? await runUnder(cli, tenure, signals, options);
  return await finish(cli, tenure, exit);
}

/** How a lease of `ttlMs` leaves room to end a command: the grace, and when its keeper must give up. */
export function leaseGrace(ttlMs: number): { readonly graceMs: number; readonly marginMs: number } {
  const graceMs = Math.min(GRACE_MS, ttlMs / 4);
  // After the grace, time for a busy machine to deliver SIGKILL.
  return { graceMs, marginMs: graceMs + Math.min(1000, ttlMs / 10) };
}

/** The settings by which a nested `agentcoord`, in any directory, acts as this one does. */
export async function childEnvironment(cli: Cli): Promise<Record<string, string>> {
  const { store, namespace, agent, fallback, durability } = await cli.config();
  return {
    AGENTCOORD_STORE: engineOf(store).value,
    AGENTCOORD_NAMESPACE: namespace,
    AGENTCOORD_FALLBACK: fallback,
    AGENTCOORD_DURABILITY: durability,
    ...given({ AGENTCOORD_AGENT: agent }),
  };
}

async function runUnder(
  cli: Cli,
  { env, signal }: Tenure,
  signals: Signals,
  { graceMs = GRACE_MS, timeoutMs, exitCodes = {} }: WrapOptions,
): Promise<Exit> {
  if (signal?.aborted) return new Exit(WRAPPER_EXIT.failed, asCoordError(signal.reason));
  let child: WrappedChild;
  try {
    child = WrappedChild.start(cli.rest, {
      env: { ...await childEnvironment(cli), ...env },
      graceMs,
      isBackground: signals.isBackground,
    });
  } catch (error) {
    return refused(error, { exitCodes });
  }
  let verdict: number | undefined;
  const stop = (code: number, why: string) => {
    verdict = Math.max(verdict ?? 0, code);
    cli.tell(`Ending the command: ${why}`);
    child.end(graceMs);
  };
  const lost = () => stop(WRAPPER_EXIT.failed, asCoordError(signal?.reason).message);
  signal?.addEventListener("abort", lost, { once: true });
  signals.passTo((name) => child.forward(name));
  const ended = new AbortController();
  if (timeoutMs !== undefined) {
    sleep(timeoutMs, ended.signal).then(() => {
      if (ended.signal.aborted) return;
      stop(WRAPPER_EXIT.timeout, `it ran longer than ${formatDuration(timeoutMs)}`);
    });
  }
  try {
    const { code, signal: killer } = await child.ended();
    if (verdict !== undefined) return new Exit(verdict);
    const wasAsked = isEnding(killer) && await signals.receives(killer, NOTICE_MS);
    return new Exit(code, undefined, wasAsked ? killer : undefined);
  } finally {
    ended.abort();
    signal?.removeEventListener("abort", lost);
    signals.passTo(() => undefined);
  }
}

/** Releases what the command ran under; the command's own exit code stands unless that was lost. */
async function finish(cli: Cli, tenure: Tenure, exit: Exit): Promise<Exit> {
  try {
    await tenure.end();
    return exit;
  } catch (error) {
    const { code, message, details } = asCoordError(error);
    // A store that is not there any more has given it to nobody and keeps it from nobody.
    const isLost = code === "lease_lost" || details.removed === true;
    if (exit.code === WRAPPER_EXIT.failed && isLost) return exit;
    cli.tell(isLost ? message : `${message}; what was held lapses by itself`);
    return isLost ? new Exit(WRAPPER_EXIT.failed) : exit;
  }
}

/** The answer when a signal arrived before the command was started. */
function interrupted({ first }: Signals): Exit | undefined {
  if (first === undefined) return undefined;
  return new Exit(128 + signalNumber(first), undefined, isEnding(first) ? first : undefined);
}

/** Whether it asks a process to end; SIGUSR1 and SIGUSR2 mean what the command wants them to mean. */
function isEnding(name: string | null): name is EndingSignal {
  return name === "SIGINT" || name === "SIGQUIT" || name === "SIGTERM" || name === "SIGHUP";
}

/** The answer when the command was not started. */
function refused(error: unknown, { exitCodes = {} }: Pick<WrapOptions, "exitCodes">): Exit {
  const failure = asCoordError(error);
  if (failure instanceof NotExecutedError) return new Exit(failure.exitCode, failure);
  // Wrong usage is the caller's mistake as in every other command.
  const code = failure instanceof InvalidArgumentError
    ? EXIT_CODES.invalid_argument
    : exitCodes[failure.code] ?? WRAPPER_EXIT.failed;
  return new Exit(code, failure);
}
