/**
 * Why a task is not being worked on, or who works on it, in words: put together from what the rooms tell of it, each by an
 * operation of its own. Nothing is written, so the answer is as of a moment ago.
 *
 * Only what is known is said. Which tags a claim is going to ask for nobody knows before it comes; which tags live agents
 * have registered with is known, and so that is what is told.
 * @module
 */
import type { RoomContext } from "../context.ts";
import { formatDuration } from "../duration.ts";
import type { Lease } from "../lock/model.ts";
import { printable, quote } from "../name.ts";
import type { Attempt, Task, TaskPath, TaskStatus } from "./model.ts";
import { unknownTask } from "./refusal.ts";

/** One reason, as a sentence for people and as data. */
export type WhyReason =
  & { readonly message: string }
  & (
    /** It waits for another task. */
    | {
      readonly kind: "dependency";
      readonly id: string;
      /** Absent when it was removed. */
      readonly title?: string;
      readonly status?: TaskStatus;
    }
    /** Further tasks that it depends on were not looked at. */
    | { readonly kind: "more_dependencies"; readonly count: number }
    /** It waits for an instant, in epoch milliseconds: as asked, after a failure, or since it was released until then. */
    | {
      readonly kind: "scheduled";
      readonly untilMs: number;
      readonly after: "creation" | "failure" | "release";
    }
    /** Somebody holds one of its paths. */
    | { readonly kind: "path"; readonly path: string; readonly lease: Lease }
    /** It may be claimed. */
    | { readonly kind: "ready" }
    /** No agent that is active, idle or blocked has registered with one of its tags. */
    | { readonly kind: "no_agent"; readonly tags: readonly string[] }
    /** Somebody works on it. */
    | { readonly kind: "claimed"; readonly attempt: Attempt; readonly expiresAtMs: number }
    /** It has ended. */
    | { readonly kind: "ended"; readonly attempt?: Attempt }
  );

/** Why a task is not being worked on, or who works on it. */
export interface TaskExplanation {
  /** The task. */
  readonly id: string;
  /** What it is about. */
  readonly title: string;
  /** Where it stands. */
  readonly status: TaskStatus;
  /** At least one. */
  readonly reasons: readonly WhyReason[];
}

/** How many dependencies that are not completed are named, and how many are looked at for them, some at a time. */
const NAMED = 20;
const LOOKED_AT = 200;
const AT_A_TIME = 20;

/**
 * The explanation.
 *
 * @throws {NotFoundError} when there is no task with this identifier.
 * @throws {StoreUnavailableError} also when it may be on a server that cannot be reached.
 */
export async function explainTask(context: RoomContext, id: string): Promise<TaskExplanation> {
  const task = await (await context.store.tasks()).get(id);
  if (task === undefined) throw unknownTask(id);
  const { title, status } = task;
  return { id, title, status, reasons: await reasonsFor(context, task) };
}

async function reasonsFor(context: RoomContext, task: Task): Promise<readonly WhyReason[]> {
  const nowMs = context.clock.nowMs();
  const { status, lease } = task;
  if (lease !== undefined) return [claimed(task, lease.expiresAtMs, nowMs)];
  if (status === "blocked") return await dependencies(context, task);
  if (status === "scheduled") return [scheduled(task, nowMs)];
  if (status !== "pending") return [ended(task, nowMs)];
  const paths = await heldPaths(context, task.paths ?? [], nowMs);
  const unserved = await withoutAgent(context, task);
  return paths.length > 0 ? [...paths, ...unserved] : [ready(task), ...unserved];
}

function claimed(task: Task, expiresAtMs: number, nowMs: number): WhyReason {
  const attempt = task.attempts.at(-1)!;
  const { holder, startedAtMs, progress } = attempt;
  const renewed = task.updatedAtMs > startedAtMs
    ? `renewed ${ago(task.updatedAtMs, nowMs)}`
    : "never renewed since";
  const note = progress === undefined || progress === ""
    ? "it has left no note on its progress"
    : `its last note: ${firstLine(progress)}`;
  return {
    kind: "claimed",
    message: `${quote(holder)} has claimed it ${ago(startedAtMs, nowMs)}, ${renewed}, until ` +
      `${inTime(expiresAtMs, nowMs)}; ${note}`,
    attempt,
    expiresAtMs,
  };
}

function scheduled({ notBeforeMs = 0, attempts }: Task, nowMs: number): WhyReason {
  const last = attempts.at(-1);
  const why = last?.error === undefined || last.error === "" ? "" : `: ${firstLine(last.error)}`;
  const after = last?.outcome === "failed"
    ? "failure"
    : last?.outcome === "released"
    ? "release"
    : "creation";
  const cause = {
    creation: "its creator asked for that",
    failure: `attempt ${attempts.length} by ${quote(last?.holder ?? "")} failed${why}`,
    release: `${quote(last?.holder ?? "")} gave it back until then${why}`,
  }[after];
  return {
    kind: "scheduled",
    message: `it may be claimed ${inTime(notBeforeMs, nowMs)} at the earliest; ${cause}`,
    untilMs: notBeforeMs,
    after,
  };
}

function ended({ status, attempts, attemptsUsed }: Task, nowMs: number): WhyReason {
  const attempt = attempts.at(-1);
  const said = attempt === undefined
    ? "nobody has ever claimed it"
    : `its last attempt, by ${quote(attempt.holder)}, ended as ${attempt.outcome} ` +
      `${ago(attempt.endedAtMs ?? nowMs, nowMs)}` +
      (attempt.error === undefined || attempt.error === "" ? "" : `: ${firstLine(attempt.error)}`);
  const how = {
    dead: `it is dead after ${counted(attemptsUsed, "attempt")}, and task retry brings it back`,
    cancelled: "it was cancelled, and task retry brings it back",
  }[status as string] ?? "it is completed";
  return {
    kind: "ended",
    message: `${how}; ${said}`,
    ...(attempt === undefined ? {} : { attempt }),
  };
}

async function dependencies(
  { store }: RoomContext,
  { dependsOn }: Task,
): Promise<readonly WhyReason[]> {
  const tasks = await store.tasks();
  const reasons: WhyReason[] = [];
  let at = 0;
  for (; at < Math.min(dependsOn.length, LOOKED_AT) && reasons.length < NAMED; at += AT_A_TIME) {
    const ids = dependsOn.slice(at, at + AT_A_TIME);
    const found = await Promise.all(ids.map((id) => tasks.get(id)));
    for (const [index, other] of found.entries()) {
      if (other?.status !== "completed") reasons.push(dependency(ids[index]!, other));
    }
  }
  const count = dependsOn.length - at;
  if (count > 0) {
    const message = `it depends on ${count} more, which were not looked at`;
    reasons.push({ kind: "more_dependencies", message, count });
  }
  return reasons;
}

function dependency(id: string, other: Task | undefined): WhyReason {
  if (other === undefined) {
    return { kind: "dependency", message: `it depends on ${id}, which is not there any more`, id };
  }
  const { title, status, lease } = other;
  const hint = status === "dead" || status === "cancelled"
    ? "; task retry brings that back"
    : lease === undefined
    ? ""
    : ` by ${quote(lease.holder)}`;
  const message = `it depends on ${id} ${quote(title)}, which is ${status}${hint}`;
  return { kind: "dependency", message, id, title, status };
}

async function heldPaths(
  { store }: RoomContext,
  paths: readonly TaskPath[],
  nowMs: number,
): Promise<readonly WhyReason[]> {
  if (paths.length === 0) return [];
  const locks = await store.locks();
  const reasons: WhyReason[] = [];
  for (const mode of ["exclusive", "shared"] as const) {
    const wanted = paths.filter((one) => one.mode === mode);
    if (wanted.length === 0) continue;
    const leases = await locks.check(undefined, {
      paths: wanted.map(({ path }) => path),
      aliases: Object.fromEntries(
        wanted.flatMap(({ path, aliases }) => aliases === undefined ? [] : [[path, aliases]]),
      ),
      mode,
    });
    for (const [index, lease] of leases.entries()) {
      if (lease !== null) reasons.push(heldPath(wanted[index]!.path, lease, nowMs));
    }
  }
  return reasons;
}

function heldPath(path: string, lease: Lease, nowMs: number): WhyReason {
  const { holder, intent, expiresAtMs, taskId } = lease;
  const what = [printable(intent), taskId === undefined ? "" : `task ${taskId}`]
    .filter((word) => word !== "").join(", ");
  const whose = what === "" ? quote(holder) : `${quote(holder)} (${what})`;
  const where = lease.path === path ? "" : ` with the lock on ${quote(lease.path)}`;
  return {
    kind: "path",
    message: `its path ${quote(path)} is held by ${whose}${where}, until ` +
      `${inTime(expiresAtMs, nowMs)} at the latest`,
    path,
    lease,
  };
}

function ready({ tags, paths = [] }: Task): WhyReason {
  const whose = tags.length === 0
    ? "that asks for any task"
    : `that asks for any task or for ${tags.join(" or ")}`;
  const free = paths.length === 0 ? "" : " unless somebody waits for one of its paths already";
  return {
    kind: "ready",
    message: `it is ready: in the order of the queue the next claim ${whose} takes it${free}`,
  };
}

async function withoutAgent(
  { store }: RoomContext,
  { tags }: Task,
): Promise<readonly WhyReason[]> {
  if (tags.length === 0) return [];
  const agents = await (await store.agents()).list();
  const there = agents.filter(({ status }) => ["active", "idle", "blocked"].includes(status));
  if (there.some((agent) => agent.tags.some((tag) => tags.includes(tag)))) return [];
  const message = there.length === 0
    ? "no agent is there"
    : `none of ${counted(there.length, "agent")} that ${
      there.length === 1 ? "is" : "are"
    } there has registered with ${tags.length === 1 ? "its tag" : "one of its tags"}`;
  return [{
    kind: "no_agent",
    message: `${message} (${tags.join(", ")}); what a claim asks for it says itself`,
    tags,
  }];
}

/** As much of a text as belongs into a sentence: behind the first line of an error there may be a command's output. */
function firstLine(text: string): string {
  return printable(text.trimStart().split("\n", 1)[0]!);
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function ago(atMs: number, nowMs: number): string {
  return `${formatDuration(Math.max(0, nowMs - atMs))} ago`;
}

function inTime(atMs: number, nowMs: number): string {
  return `${formatDuration(Math.max(0, atMs - nowMs))} from now`;
}
