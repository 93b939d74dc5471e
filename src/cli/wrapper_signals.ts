/**
 * Signals sent to a wrapper: before its command runs they end it, from then on they are the command's.
 * @module
 */
import { sleep } from "../clock.ts";

/** Signals that are passed on. */
const PASSED_ON = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2"] as const;

/** A signal that a wrapper passes on. */
export type PassedOn = (typeof PASSED_ON)[number];

const NUMBERS: Readonly<Record<PassedOn, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGTERM: 15,
  ...(Deno.build.os === "linux" ? { SIGUSR1: 10, SIGUSR2: 12 } : { SIGUSR1: 30, SIGUSR2: 31 }),
};

/** The number of a signal on this system. */
export function signalNumber(name: PassedOn): number {
  return NUMBERS[name];
}

/**
 * Listens to signals until it is disposed of.
 *
 * A signal that was ignored when we were started, as under nohup(1), is swallowed. (The runtime gives
 * the command the default actions in any case, so what was ignored cannot be handed down.) SIGINT and
 * SIGQUIT typed at a terminal have reached the command already, since they go to all processes in the
 * terminal's foreground; passing them on would make it look as if they were typed twice, which many
 * programs take for an order to leave at once.
 */
export class Signals implements Disposable {
  readonly #controller = new AbortController();
  readonly #listeners: { readonly name: PassedOn; readonly listener: () => void }[] = [];
  readonly #ignored: readonly PassedOn[];
  readonly #received = new Set<string>();
  #first: PassedOn | undefined;
  #receiver: ((name: PassedOn) => void) | undefined;

  /** Starts listening. */
  constructor() {
    // To be read first: with its first listener the runtime changes what is ignored.
    this.#ignored = ignoredAtStart();
    for (const name of PASSED_ON) {
      const listener = () => this.#receive(name);
      Deno.addSignalListener(name, listener);
      this.#listeners.push({ name, listener });
    }
  }

  /** Fires with the first signal that arrives before {@linkcode Signals.passTo}. */
  get aborted(): AbortSignal {
    return this.#controller.signal;
  }

  /** The first signal that arrived before {@linkcode Signals.passTo}. */
  get first(): PassedOn | undefined {
    return this.#first;
  }

  /** Whether we were started to run on in the background, whatever happens at the terminal. */
  get isBackground(): boolean {
    return this.#ignored.includes("SIGHUP") || this.#ignored.includes("SIGINT");
  }

  /**
   * Whether this one arrives within `waitMs`, or has, and was not ignored when we were started. A signal
   * typed at a terminal may be noticed here after the end of the command that died of it.
   */
  async receives(name: string, waitMs: number): Promise<boolean> {
    for (const untilMs = performance.now() + waitMs; performance.now() < untilMs;) {
      if (this.#received.has(name)) return true;
      await sleep(5);
    }
    return this.#received.has(name);
  }

  /** Passes on whatever arrives from now on. */
  passTo(receiver: (name: PassedOn) => void): void {
    this.#receiver = receiver;
  }

  /** Stops listening. */
  [Symbol.dispose](): void {
    for (const { name, listener } of this.#listeners) Deno.removeSignalListener(name, listener);
  }

  #receive(name: PassedOn): void {
    if (this.#ignored.includes(name)) return;
    this.#received.add(name);
    if (this.#receiver === undefined) {
      this.#first ??= name;
      this.#controller.abort();
    } else if ((name !== "SIGINT" && name !== "SIGQUIT") || !isInForeground()) {
      this.#receiver(name);
    }
  }
}

/** Whether this process has a terminal that sends signals by itself (tty_ioctl(4), "controlling"). */
export function hasTerminal(): boolean {
  try {
    Deno.openSync("/dev/tty").close();
    return true;
  } catch {
    return false;
  }
}

/** Whether signals typed at our terminal reach our process group now. */
function isInForeground(): boolean {
  if (!hasTerminal()) return false;
  const stat = readProc("/proc/self/stat");
  if (stat === undefined) return true;
  // proc_pid_stat(5): pgrp, session, tty_nr, tpgid follow state and ppid after the name in brackets.
  const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return group === foreground;
}

/** The signals that are ignored now, where the system tells (proc_pid_status(5)). */
function ignoredAtStart(): readonly PassedOn[] {
  const hex = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readProc("/proc/self/status") ?? "")?.[1];
  const mask = BigInt(`0x${hex ?? "0"}`);
  return PASSED_ON.filter((name) => ((mask >> BigInt(NUMBERS[name] - 1)) & 1n) === 1n);
}

function readProc(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}
