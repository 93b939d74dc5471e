/**
 * The processes that a command has started, directly or not.
 * @module
 */
import { sleep } from "../clock.ts";

/** How often SIGKILL is repeated for processes that were being started meanwhile. */
const KILLS = 20;

/** One line of proc_pid_stat(5), as far as it matters here. */
interface Entry {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  /** Tells two processes apart that had the same pid one after the other. */
  readonly startedAt: string;
}

/** The variable by which those are found who left for a session of their own. */
export const MARK = "AGENTCOORD_RUNS";

/**
 * A process with its descendants; with all whose environment has its mark, wherever they went; and, when it
 * leads a session, with all in that session, even those whose parents have ended. Beyond reach is only who
 * left the session, has lost its parents, and gave up its environment or belongs to another user. Without a /proc to look in (not Linux) it is the process group of a session's
 * leader, or only the process.
 */
export class ProcessTree {
  readonly #root: number;
  readonly #isSession: boolean;
  /** Members ever seen, by pid, with their start. */
  readonly #known = new Map<number, string>();
  readonly #mark: string;
  /** Processes without the mark, as {@linkcode ProcessTree.#known}. */
  readonly #strangers = new Map<number, string>();

  /** The tree under `root`, which has just been started with `mark` in its variable {@linkcode MARK}. */
  constructor(root: number, isSession: boolean, mark: string) {
    this.#mark = mark;
    this.#root = root;
    this.#isSession = isSession;
    const entry = readEntry(root);
    if (entry !== undefined) this.#known.set(root, entry.startedAt);
  }

  /** Sends every member `signal`. */
  signal(signal: Deno.Signal): void {
    for (const pid of this.#targets()) sendSignal(pid, signal);
  }

  /** Asks every member to end; a stopped process hears SIGTERM only once it goes on. */
  askToEnd(): void {
    this.signal("SIGTERM");
    this.signal("SIGCONT");
  }

  /** Kills every member, those as well that are being started meanwhile. */
  async kill(): Promise<void> {
    for (let tries = 0; tries < KILLS && this.isAlive(); tries++) {
      this.signal("SIGKILL");
      await sleep(tries);
    }
  }

  /** Whether any member still runs. */
  isAlive(): boolean {
    return this.#targets().some((pid) => sendSignal(pid, 0));
  }

  #targets(): readonly number[] {
    if (this.#known.size === 0) return [this.#isSession ? -this.#root : this.#root];
    return this.#members();
  }

  #isMarked(pid: number, startedAt: string): boolean {
    if (this.#strangers.get(pid) === startedAt) return false;
    if (hasInEnvironment(pid, this.#mark)) return true;
    this.#strangers.set(pid, startedAt);
    return false;
  }

  #members(): readonly number[] {
    const living = readEntries();
    const children = Map.groupBy(living, ({ parent }) => parent);
    const members = living.filter(({ pid, session, startedAt }) =>
      this.#known.get(pid) === startedAt || (this.#isSession && session === this.#root) ||
      this.#isMarked(pid, startedAt)
    );
    // Grows while it is walked: a child's own children come after it.
    const seen = new Set(members.map(({ pid }) => pid));
    for (const { pid } of members) {
      for (const child of children.get(pid) ?? []) {
        if (seen.has(child.pid)) continue;
        seen.add(child.pid);
        members.push(child);
      }
    }
    for (const { pid, startedAt } of members) this.#known.set(pid, startedAt);
    return members.map(({ pid }) => pid);
  }
}

/** Whether `mark` is in the environment with which the process was last executed (proc_pid_environ(5)). */
function hasInEnvironment(pid: number, mark: string): boolean {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/environ`).includes(mark);
  } catch {
    return false; // It has ended, or is somebody else's.
  }
}

/** Sends a signal, or with 0 only asks; `false` when there is no such process. */
export function sendSignal(pid: number, signal: Deno.Signal | 0): boolean {
  try {
    Deno.kill(pid, signal);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    // Somebody else's by now, as after sudo(8): it lives, and is beyond us.
    if (error instanceof Deno.errors.PermissionDenied) return true;
    throw error;
  }
}

/** Every process that has not ended; those that only wait to be noticed by their parent have. */
function readEntries(): Entry[] {
  return [...Deno.readDirSync("/proc")]
    .flatMap(({ name }) => /^\d+$/.test(name) ? readEntry(Number(name)) ?? [] : []);
}

function readEntry(pid: number): Entry | undefined {
  let stat: string;
  try {
    stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  } catch {
    return undefined;
  }
  // The name in brackets may hold anything; from the state on, fields have no spaces.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state = "", parent, , session] = fields;
  if (state === "Z" || state === "X") return undefined;
  return {
    pid,
    parent: Number(parent),
    session: Number(session),
    startedAt: fields[19] ?? "",
  };
}
