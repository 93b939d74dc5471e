/**
 * What the lines of a mirror amount to.
 *
 * Several processes append, each after the reply to its own call, so that lines of different processes may be in
 * another order than what they tell of. A lease is therefore known by its path and fence; once ended it stays so; of
 * several instants the latest counts; a renewal that comes before the grant waits for it; and fences, which grow with
 * every grant, tell which of two tenures came later. Where the order cannot be known, a lease counts as live for longer rather than for shorter.
 * @module
 */
import { type Agent, GONE_AFTER_MS } from "../../agent/model.ts";
import { given } from "../../given.ts";
import { lockPathAncestors } from "../../path.ts";
import type { Task } from "../../task/model.ts";
import { OpenTaskCount } from "./open_tasks.ts";
import type {
  MirrorLease,
  MirrorLine,
  MirrorState,
  MirrorTask,
  MirrorWaiter,
} from "./mirror_line.ts";

/** What was told of one tenure, in whatever order. */
interface Told<Granted> {
  granted?: Granted;
  /** The newest length. */
  lengthMs?: number;
  /** The longest one: which of several was in force at a heartbeat cannot be known. */
  longestMs: number;
  /** As told in so many words; heartbeats come on top of it. */
  untilMs: number;
  /** When it was granted, at the latest. */
  sinceMs: number;
  hasEnded: boolean;
  /** The newest note of a task's holder. */
  progress?: string;
}

/** Takes in lines, and says what they amount to. */
export class MirrorFold {
  readonly #leases = new Map<string, Told<MirrorLease>>();
  readonly #tasks = new Map<string, Told<Task>>();
  /** The newest tenure of each task that a claim has told of. */
  readonly #fences = new Map<string, number>();
  readonly #endedTasks = new Map<string, number>();
  /** Up to which fence everything has ended that an agent held. */
  readonly #endedFor = new Map<string, number>();
  readonly #agents = new Map<string, Agent>();
  /** When an agent left. */
  readonly #left = new Map<string, number>();
  readonly #waiters = new Map<string, MirrorWaiter>();
  readonly #waitedOut = new Set<string>();
  #open = new OpenTaskCount(undefined);
  /** When each agent's heartbeats were. */
  readonly #beats = new Map<string, number[]>();

  /** Takes in the next line; one of a kind that this version does not know means nothing to it. */
  add(line: MirrorLine): void {
    switch (line.op) {
      case "lease":
        for (const lease of line.leases) this.#grant(lease);
        break;
      case "renew":
        for (const { path, fence, untilMs, ttlMs } of line.leases) {
          extend(entry(this.#leases, leaseKey(path, fence)), untilMs, ttlMs);
        }
        break;
      case "end":
        for (const { path, fence } of line.leases) {
          entry(this.#leases, leaseKey(path, fence)).hasEnded = true;
        }
        break;
      case "end_all":
        raise(this.#endedFor, line.holder, line.fence);
        break;
      case "beat":
        this.#beat(line.holder, line.atMs);
        break;
      case "claim":
        line.tasks.forEach((task, index) => this.#claim(task, line.untilMs[index]!, line.leaseMs));
        break;
      case "renew_task": {
        const told = entry(this.#tasks, taskKey(line.id, line.fence));
        extend(told, line.untilMs, line.leaseMs);
        if (line.progress !== undefined) told.progress = line.progress;
        break;
      }
      case "end_task":
        this.#endTask(line.id, line.fence);
        if (line.forGood === true) this.#open.close(line.id);
        break;
      case "open_tasks":
        this.#open = new OpenTaskCount(line);
        break;
      case "opened":
        for (const id of line.ids) this.#open.open(id, line.again ?? false);
        break;
      case "agent":
        this.#meet(line.agent);
        break;
      case "agent_gone":
        raise(this.#left, line.name, line.atMs);
        break;
      case "wait":
        // The place is that of the first time.
        if (!this.#waitedOut.has(line.waiter.id)) this.#waiters.set(line.waiter.id, line.waiter);
        break;
      case "wait_end":
        this.#waiters.delete(line.id);
        this.#waitedOut.add(line.id);
        break;
    }
  }

  /** What is live at `nowMs`, by the host's clock. */
  state(nowMs: number): MirrorState {
    for (const beats of this.#beats.values()) beats.sort((a, b) => a - b);
    const leases: MirrorLease[] = [];
    for (const told of withoutOvertaken([...this.#leases.values()])) {
      const { granted, hasEnded, lengthMs } = told;
      const untilMs = renewedBy(this.#beats.get(granted!.holder), told);
      if (hasEnded || this.#hasLeftWith(granted!) || untilMs <= nowMs) continue;
      leases.push({ ...granted!, ttlMs: lengthMs!, untilMs });
    }
    const agents = [...this.#agents.values()].filter(({ name, lastHeartbeatAtMs }) =>
      lastHeartbeatAtMs > (this.#left.get(name) ?? 0) &&
      Math.max(lastHeartbeatAtMs, this.#beats.get(name)?.at(-1) ?? 0) > nowMs - GONE_AFTER_MS
    );
    const waiters = [...this.#waiters.values()];
    const openTasks = this.#open.count();
    return { leases, tasks: this.#claimed(nowMs), agents, waiters, ...given({ openTasks }) };
  }

  #claimed(nowMs: number): readonly MirrorTask[] {
    const tasks: MirrorTask[] = [];
    for (const [id, fence] of this.#fences) {
      const told = this.#tasks.get(taskKey(id, fence))!;
      const task = withProgress(told.granted!, told.progress);
      const untilMs = renewedBy(this.#beats.get(task.lease!.holder), told);
      const hasEnded = fence <= (this.#endedTasks.get(id) ?? 0) ||
        this.#hasLeftWith(task.lease!);
      if (!hasEnded && untilMs > nowMs) tasks.push({ task, leaseMs: told.lengthMs!, untilMs });
    }
    return tasks;
  }

  #grant(given: MirrorLease): void {
    const { path, aliases, holder, fence, mode, intent, ttlMs, acquiredAtMs, untilMs, taskId } =
      given;
    const told = entry(this.#leases, leaseKey(path, fence));
    told.granted = {
      path,
      ...(aliases === undefined ? {} : { aliases }),
      ...{ holder, fence, mode, intent, ttlMs, acquiredAtMs, untilMs },
      ...(taskId === undefined ? {} : { taskId }),
    };
    told.sinceMs = Math.min(told.sinceMs, untilMs - ttlMs);
    extend(told, untilMs, ttlMs);
  }

  /** Whether the holder left after this had been granted to it. */
  #hasLeftWith({ holder, fence }: { readonly holder: string; readonly fence: number }): boolean {
    return fence <= (this.#endedFor.get(holder) ?? 0);
  }

  #claim(task: Task, untilMs: number, leaseMs: number | undefined): void {
    const { lease, attempts } = task;
    if (lease === undefined) return;
    const told = entry(this.#tasks, taskKey(task.id, lease.fence));
    told.granted = task;
    // Both are of Redis' clock: what is between them is what the task's creator had asked for.
    const lengthMs = leaseMs ?? lease.expiresAtMs - (attempts.at(-1)?.startedAtMs ?? 0);
    told.sinceMs = Math.min(told.sinceMs, untilMs - lengthMs);
    extend(told, untilMs, lengthMs);
    raise(this.#fences, task.id, lease.fence);
  }

  #endTask(id: string, fence: number): void {
    // One who does not know the fence says a very large one: it means the tenures told of so far.
    const upTo = fence === Number.MAX_SAFE_INTEGER ? this.#fences.get(id) ?? 0 : fence;
    raise(this.#endedTasks, id, upTo);
  }

  #beat(holder: string, atMs: number): void {
    const known = this.#beats.get(holder);
    if (known === undefined) this.#beats.set(holder, [atMs]);
    else known.push(atMs);
  }

  #meet(agent: Agent): void {
    const known = this.#agents.get(agent.name);
    if (known !== undefined && known.lastHeartbeatAtMs > agent.lastHeartbeatAtMs) return;
    this.#agents.set(agent.name, agent);
  }
}

function raise(all: Map<string, number>, key: string, value: number): void {
  all.set(key, Math.max(all.get(key) ?? 0, value));
}

function leaseKey(path: string, fence: number): string {
  return `${fence}:${path}`;
}

function taskKey(id: string, fence: number): string {
  return `${fence}:${id}`;
}

function entry<Granted>(all: Map<string, Told<Granted>>, key: string): Told<Granted> {
  let told = all.get(key);
  if (told === undefined) {
    all.set(key, told = { longestMs: 0, untilMs: 0, sinceMs: Infinity, hasEnded: false });
  }
  return told;
}

function extend(told: Told<unknown>, untilMs: number, lengthMs: number | undefined): void {
  told.untilMs = Math.max(told.untilMs, untilMs);
  if (lengthMs === undefined) return;
  told.lengthMs = lengthMs;
  told.longestMs = Math.max(told.longestMs, lengthMs);
}

/** Until when a tenure is live with these heartbeats of its holder, in their order: each renews it while it is live. */
function renewedBy(beats: readonly number[] | undefined, told: Told<unknown>): number {
  let { untilMs } = told;
  for (const atMs of beats ?? []) {
    if (atMs >= untilMs) break;
    if (atMs >= told.sinceMs) untilMs = Math.max(untilMs, atMs + told.longestMs);
  }
  return untilMs;
}

function withProgress(task: Task, progress: string | undefined): Task {
  const attempt = task.attempts.at(-1);
  if (progress === undefined || attempt === undefined) return task;
  return { ...task, attempts: [...task.attempts.slice(0, -1), { ...attempt, progress }] };
}

/**
 * Leaves out each lease that had to end before one with a higher fence could be granted: one of another holder
 * on an overlapping path where either is exclusive, or one of the same holder on the same path.
 */
function withoutOvertaken(all: readonly Told<MirrorLease>[]): readonly Told<MirrorLease>[] {
  const newestFirst = all.filter(({ granted }) => granted !== undefined)
    .sort((a, b) => b.granted!.fence - a.granted!.fence);
  const on = new Map<string, MirrorLease[]>();
  const below = new Map<string, MirrorLease[]>();
  const left = newestFirst.filter(({ granted }) => {
    const lease = granted!;
    const names = namesOf(lease);
    const isOvertaken = names.some((name) =>
      [name, ...lockPathAncestors(name)].some((at) => overtakes(on.get(at), lease)) ||
      overtakes(below.get(name), lease)
    );
    for (const name of names) {
      keep(on, name, lease);
      for (const above of lockPathAncestors(name)) keep(below, above, lease);
    }
    return !isOvertaken;
  });
  return left.reverse();
}

function namesOf({ path, aliases = [] }: MirrorLease): readonly string[] {
  return [path, ...aliases];
}

function overtakes(newer: readonly MirrorLease[] | undefined, lease: MirrorLease): boolean {
  return newer?.some((other) => endsBefore(lease, other)) ?? false;
}

/** Whether `older`, which overlaps `newer`, must have ended when that was granted. */
function endsBefore(older: MirrorLease, newer: MirrorLease): boolean {
  if (older.fence >= newer.fence) return false;
  if (older.holder === newer.holder) return older.path === newer.path;
  return older.mode === "exclusive" || newer.mode === "exclusive";
}

function keep(all: Map<string, MirrorLease[]>, name: string, lease: MirrorLease): void {
  const known = all.get(name);
  if (known === undefined) all.set(name, [lease]);
  else known.push(lease);
}
