/**
 * Tasks as the scripts of the Redis store keep and show them; see rows.lua.
 * @module
 */
import {
  type Attempt,
  type AttemptOutcome,
  detailsOf,
  type JsonValue,
  type Task,
  type TaskDetails,
  type TaskStatus,
} from "../model.ts";
import type { TaskDraft } from "../store.ts";

/**
 * A task's spec: its place in the order of creation, priority, length of a lease, most attempts, tags, first
 * letter and base of the backoff, earliest instant, when it was created, by whom, what it depends on; then
 * its title and description; and last, in one object, whatever else its creator said.
 */
export type SpecReply = readonly [
  number,
  number,
  number,
  number,
  string,
  string,
  number,
  number | null,
  number,
  string,
  string,
  string,
  string,
  TaskDetails,
];

/** A task as scripts show it. */
export interface TaskReply {
  readonly id: string;
  readonly s: SpecReply;
  /** The work on it; absent while it is pending and nobody has ever claimed it. */
  readonly w?: {
    readonly status: TaskStatus;
    readonly worker?: string;
    readonly fence?: number;
    readonly lease?: number;
    readonly started?: number;
    readonly ended?: number;
    readonly outcome?: AttemptOutcome;
    readonly error?: string;
    readonly progress?: string;
    /** How many attempts there were before. */
    readonly older?: number;
    /** Those of them that were handed over; see attempts.lua. */
    readonly before?: readonly Attempt[];
    /** Attempts that count. */
    readonly spent: number;
    readonly updated?: number;
  };
  /** When its lease lapses or its time comes; of a task just claimed it is left out. */
  readonly due?: number;
  readonly r?: JsonValue;
  /** Why a blocked task will not go on by itself. */
  readonly why?: string;
}

/** The work on a task. */
export type WorkReply = NonNullable<TaskReply["w"]>;

/** What a script keeps of a draft's fields: its line from the priority to the earliest instant. */
export function fieldsOf(
  { priority, leaseMs, maxAttempts, tags, backoff, notBeforeMs }: TaskDraft,
): string {
  const { kind, baseMs } = backoff;
  const letter = kind.charAt(0);
  return `${priority},${leaseMs},${maxAttempts},"${tags.join()}","${letter}",${baseMs},${
    notBeforeMs ?? null
  }`;
}

/** What a script keeps of a draft's texts, lines of JSON: title, description, and an object that holds the details. */
export function textsOf(draft: Pick<TaskDraft, "title" | "description"> & TaskDetails): string {
  const { title, description } = draft;
  return `${JSON.stringify(title)},\n${JSON.stringify(description)},\n{${detailLines(draft)}}`;
}

/** The details as members of a JSON object, a line each: a script replaces one by its name, and parses none. */
export function detailLines(said: TaskDetails): string {
  return Object.entries(detailsOf(said)).map(([name, value]) =>
    `"${name}":${JSON.stringify(value)}`
  )
    .join(",\n");
}

/** The task that was just made of a draft, pending and without dependencies. */
export function newTask(draft: TaskDraft, createdBy: string, nowMs: number): Task {
  const { notBeforeMs } = draft;
  return {
    id: draft.id,
    title: draft.title,
    description: draft.description,
    priority: draft.priority,
    tags: draft.tags,
    status: "pending",
    dependsOn: [],
    ...detailsOf(draft),
    attempts: [],
    attemptsUsed: 0,
    maxAttempts: draft.maxAttempts,
    ...(notBeforeMs === undefined ? {} : { notBeforeMs }),
    createdBy,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  };
}

const UNTOUCHED: WorkReply = Object.freeze({ status: "pending", spent: 0 });

/** The task that a script shows; `result` when it was left out of the reply, attempts `before` the newest alike. */
export function toTask(
  reply: TaskReply,
  result: JsonValue | undefined = reply.r,
  before: readonly Attempt[] = reply.w?.before ?? [],
): Task {
  const { id, s: spec, w: work = UNTOUCHED, why } = reply;
  const [, priority, , maxAttempts, tags, , , start, createdAtMs, createdBy, needs] = spec;
  const { status, worker, started = 0, ended = 0, updated = 0 } = work;
  const due = reply.due ?? started + (work.lease ?? 0);
  const attemptsLeftOut = (work.older ?? 0) - before.length;
  const notBeforeMs = status === "scheduled" ? due : start ?? undefined;
  return {
    id,
    title: spec[11],
    description: spec[12],
    priority,
    tags: listOf(tags),
    status,
    dependsOn: listOf(needs),
    ...(why === undefined ? {} : { blockedReason: why }),
    ...detailsOf(spec[13]),
    ...(result === undefined ? {} : { result }),
    attempts: worker === undefined ? before : [...before, newestAttempt(work)],
    ...(attemptsLeftOut === 0 ? {} : { attemptsLeftOut }),
    attemptsUsed: work.spent,
    maxAttempts,
    ...(notBeforeMs === undefined ? {} : { notBeforeMs }),
    createdBy,
    createdAtMs,
    updatedAtMs: Math.max(createdAtMs, started, ended, updated),
    ...(status === "claimed"
      ? { lease: { holder: worker!, fence: work.fence!, expiresAtMs: due } }
      : {}),
  };
}

function listOf(names: string): readonly string[] {
  return names === "" ? [] : names.split(",");
}

/** Scripts write the fields of the work in any order, and leave out what there is not. */
function newestAttempt(work: WorkReply): Attempt {
  const { worker, fence, started, ended, outcome, error, progress } = work;
  return {
    holder: worker!,
    fence: fence!,
    startedAtMs: started!,
    ...(ended === undefined ? {} : { endedAtMs: ended }),
    ...(outcome === undefined ? {} : { outcome }),
    ...(error === undefined ? {} : { error }),
    ...(progress === undefined ? {} : { progress }),
  };
}
