/**
 * From what a caller writes to the drafts that an operation stores: everything is checked here, before any of it
 * is sent anywhere.
 * @module
 */
import {
  checkBody,
  checkChoice,
  checkInteger,
  checkKey,
  checkLeaseMs,
  checkTags,
  checkTitle,
  invalid,
} from "../check.ts";
import { InvalidArgumentError } from "../errors.ts";
import { checkJson } from "../json_value.ts";
import { newId } from "../id.ts";
import { LIMITS, quote } from "../name.ts";
import { checkBatchBytes } from "./batch.ts";
import { DEFAULT_BACKOFF, MAX_BACKOFF_MS } from "./backoff.ts";
import { findCycle } from "./cycle.ts";
import { type Backoff, detailsOf, type JsonValue, type TaskDetails } from "./model.ts";
import { checkPaths, type WantedPath } from "./paths.ts";
import type { TaskDraft, TaskPatch, TaskSpec } from "./store.ts";

/** A task to create. */
export interface NewTask extends Omit<TaskDetails, "paths"> {
  /** One line of at most 512 characters. */
  readonly title: string;
  /** At most 64 KiB. Default: empty. */
  readonly description?: string;
  /** 0 to 9; higher ones are served first. Default 3. */
  readonly priority?: number;
  /** What a claim can ask for; at most 32 names. */
  readonly tags?: readonly string[];
  /**
   * What must be completed first: identifiers of tasks, or places in the same batch, counted from 0. At most
   * 1000 of them.
   */
  readonly dependsOn?: readonly (string | number)[];
  /** When it may be claimed at the earliest, in epoch milliseconds. */
  readonly notBeforeMs?: number;
  /** Attempts after which it is dead, 1 to 100. Default 4. */
  readonly maxAttempts?: number;
  /** Length of a lease on it when a claim does not say, in milliseconds. Default 300 000 (5 minutes). */
  readonly leaseMs?: number;
  /** How long it waits after a failure. Default: a minute, doubling with every attempt up to an hour. */
  readonly backoff?: { readonly kind: Backoff["kind"]; readonly baseMs?: number };
  /**
   * What its worker is going to change, or with mode `shared` only to read: at most 64 files or directories. A claim takes
   * the task together with the locks on them, and passes over it while others hold any.
   */
  readonly paths?: readonly (string | WantedPath)[];
  /** Idempotency key: a second task with the same key is not created; the first is answered. */
  readonly key?: string;
}

/** New values for a task that nobody works on yet; what is left out stays. */
export interface TaskChanges extends Partial<Omit<NewTask, "dependsOn" | "key" | "notBeforeMs">> {
  /** When it may be claimed at the earliest, in epoch milliseconds; `null`: from now on. */
  readonly notBeforeMs?: number | null;
}

/** Priority when none is given. */
export const DEFAULT_PRIORITY = 3;
/** Attempts when no number is given. */
export const DEFAULT_MAX_ATTEMPTS = 4;
/** Lease length when none is given: 5 minutes. */
export const DEFAULT_TASK_LEASE_MS = 300_000;
/** Dependencies of one task. */
const MAX_DEPENDENCIES = 1000;
/** Dependencies of a whole batch: what one operation can store without keeping others waiting. */
const MAX_BATCH_DEPENDENCIES = 10_000;
/** The latest instant a JavaScript date can hold (ECMAScript, time values). */
const MAX_INSTANT_MS = 8.64e15;

/** One checker per field; `field` is how the message calls it. */
const CHECKS: {
  readonly [Name in keyof TaskSpec]-?: (
    value: unknown,
    field: string,
  ) => Exclude<TaskSpec[Name], undefined>;
} = {
  title: (value, field) => checkTitle(value, field),
  description: (value, field) => checkBody(value, field),
  priority: (value, field) =>
    checkInteger(value, field, { min: LIMITS.priorityMin, max: LIMITS.priorityMax }),
  tags: checkTags,
  maxAttempts: (value, field) => checkInteger(value, field, { min: 1, max: 100 }),
  leaseMs: checkLeaseMs,
  backoff: checkBackoff,
  notBeforeMs: (value, field) => checkInteger(value, field, { min: 0, max: MAX_INSTANT_MS }),
  payload: (value, field) => checkJson(value, field, LIMITS.resultBytes) as JsonValue,
  paths: checkPaths,
};

/**
 * The drafts of a batch.
 *
 * @throws {InvalidArgumentError} for the first bad field, for a batch that is too large, and for a cycle of
 * dependencies, which is named.
 */
export function draftTasks(tasks: readonly NewTask[]): TaskDraft[] {
  if (!Array.isArray(tasks)) throw invalid(tasks, "tasks", "use a list of tasks");
  if (tasks.length > LIMITS.batch) {
    throw invalid(tasks.length, "tasks", `create at most ${LIMITS.batch} at once`);
  }
  const drafts = tasks.map((task, index) => draftTask(task, index, tasks.length));
  const total = drafts.reduce((sum, { dependsOn }) => sum + dependsOn.length, 0);
  if (total > MAX_BATCH_DEPENDENCIES) {
    throw invalid(total, "dependsOn", `use at most ${MAX_BATCH_DEPENDENCIES} in one batch`);
  }
  checkBatchBytes(drafts);
  refuseCycle(drafts);
  return drafts;
}

/**
 * The new values of a task.
 *
 * @throws {InvalidArgumentError} when one is bad, or there is none.
 */
export function draftPatch(changes: TaskChanges): TaskPatch {
  const patch = Object.fromEntries(
    Object.entries(CHECKS).flatMap(([name, check]) => {
      const value = changes[name as keyof TaskChanges];
      if (value === undefined) return [];
      const cleared = name === "notBeforeMs" && value === null;
      return [[name, cleared ? null : check(value, name)]];
    }),
  );
  if (Object.keys(patch).length > 0) return patch;
  throw new InvalidArgumentError(
    `Nothing to update: give at least one of ${Object.keys(CHECKS).join(", ")}`,
    { field: "changes" },
  );
}

/** The instant before which nobody may claim a task. */
export function checkStart(notBeforeMs: unknown): number {
  return CHECKS.notBeforeMs(notBeforeMs, "notBeforeMs");
}

function draftTask(task: NewTask, index: number, size: number): TaskDraft {
  if (typeof task !== "object" || task === null) {
    throw invalid(task, `tasks[${index}]`, "use an object with a title");
  }
  // In a batch the message says which task is meant.
  const at = (name: string) => size === 1 ? name : `tasks[${index}].${name}`;
  const { notBeforeMs, key } = task;
  return {
    id: newId("tsk"),
    title: CHECKS.title(task.title, at("title")),
    description: CHECKS.description(task.description ?? "", at("description")),
    priority: CHECKS.priority(task.priority ?? DEFAULT_PRIORITY, at("priority")),
    tags: CHECKS.tags(task.tags ?? [], at("tags")),
    maxAttempts: CHECKS.maxAttempts(task.maxAttempts ?? DEFAULT_MAX_ATTEMPTS, at("maxAttempts")),
    leaseMs: CHECKS.leaseMs(task.leaseMs ?? DEFAULT_TASK_LEASE_MS, at("leaseMs")),
    backoff: CHECKS.backoff(task.backoff ?? DEFAULT_BACKOFF, at("backoff")),
    dependsOn: checkDependencies(task.dependsOn ?? [], at("dependsOn"), size),
    ...(notBeforeMs === undefined
      ? {}
      : { notBeforeMs: CHECKS.notBeforeMs(notBeforeMs, at("notBeforeMs")) }),
    ...draftDetails(task, at),
    ...(key === undefined ? {} : { key: checkKey(key, at("key")) }),
  };
}

function draftDetails(task: NewTask, at: (name: string) => string): TaskDetails {
  const details = detailsOf(task as TaskDetails);
  const said = (Object.entries(details) as [keyof TaskDetails, unknown][])
    // None at all are not said.
    .filter(([name, value]) => name !== "paths" || !Array.isArray(value) || value.length > 0);
  return Object.fromEntries(said.map(([name, value]) => [name, CHECKS[name](value, at(name))]));
}

function checkBackoff(value: unknown, field: string): Backoff {
  if (typeof value !== "object" || value === null) {
    throw invalid(value, field, "use an object with a kind and a baseMs");
  }
  const { kind, baseMs = DEFAULT_BACKOFF.baseMs } = value as Partial<Backoff>;
  return {
    kind: checkChoice(kind, `${field}.kind`, ["exponential", "linear", "none"]),
    baseMs: checkInteger(baseMs, `${field}.baseMs`, { min: 0, max: MAX_BACKOFF_MS }),
  };
}

function checkDependencies(
  value: unknown,
  field: string,
  size: number,
): readonly (string | number)[] {
  if (!Array.isArray(value)) throw invalid(value, field, "use a list of identifiers or places");
  if (value.length > MAX_DEPENDENCIES) {
    throw invalid(value.length, field, `use at most ${MAX_DEPENDENCIES}`);
  }
  for (const item of value) {
    if (typeof item === "string" && item !== "") continue;
    if (Number.isInteger(item) && item >= 0 && item < size) continue;
    throw invalid(
      item,
      field,
      `use the identifier of a task, or its place in the batch from 0 to ${size - 1}`,
    );
  }
  return [...new Set(value)];
}

function refuseCycle(drafts: readonly TaskDraft[]): void {
  // A task whose key occurred before is that one.
  const first = new Map<string, number>();
  const same = drafts.map(({ key }, index) => {
    if (key === undefined) return index;
    if (!first.has(key)) first.set(key, index);
    return first.get(key)!;
  });
  const edges = drafts.map(({ dependsOn }, index) =>
    same[index] !== index
      ? []
      : dependsOn.flatMap((item) => typeof item === "number" ? same[item]! : [])
  );
  const cycle = findCycle(edges);
  if (cycle === undefined) return;
  const name = (index: number) => `tasks[${index}] ${quote(drafts[index]!.title, 40)}`;
  const shown = [...cycle.slice(0, 8), ...(cycle.length > 8 ? cycle.slice(-1) : [])].map(name);
  throw new InvalidArgumentError(
    `Invalid dependsOn: ${[...shown, name(cycle[0]!)].join(" needs ")}; break the cycle`,
    { field: "dependsOn", value: cycle, cycle },
  );
}
