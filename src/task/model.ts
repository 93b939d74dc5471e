/**
 * What a task is, as everybody sees it.
 * @module
 */
import type { LockMode } from "../lock/model.ts";

/**
 * Anything JSON can say, nested at most 2000 deep. A field that is `undefined` is left out. Everything else is
 * refused with its place: a number that is not finite, a bigint, a function, `undefined` in a list, an object of a
 * class (a `Date`, a `Map`, an error), and what contains itself.
 */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/**
 * Where a task stands: `scheduled` until its time comes, `blocked` until every task it depends on is
 * completed, `pending` in the queue, `claimed` by an agent; then `completed`, `dead` (its attempts are
 * used up, or its holder said that trying again is pointless) or `cancelled`.
 */
export type TaskStatus =
  | "scheduled"
  | "blocked"
  | "pending"
  | "claimed"
  | "completed"
  | "dead"
  | "cancelled";

/** A {@linkcode TaskStatus} that nothing but a retry by hand changes any more. */
export type EndedStatus = "completed" | "dead" | "cancelled";

/** Every {@linkcode TaskStatus}. */
export const TASK_STATUSES: readonly TaskStatus[] = Object.freeze([
  "scheduled",
  "blocked",
  "pending",
  "claimed",
  "completed",
  "dead",
  "cancelled",
]);

/** How many tasks there are in each status. */
export type TaskCounts = Readonly<Record<TaskStatus, number>>;

/**
 * How an attempt ended: by its holder's word (`completed`, `failed`, `released`), by the expiry of its lease
 * (`expired`), or because the task was taken away from it (`cancelled`).
 */
export type AttemptOutcome = "completed" | "failed" | "released" | "expired" | "cancelled";

/** One tenure of a task. */
export interface Attempt {
  /** The agent that had it. */
  readonly holder: string;
  /** The lease's fence. */
  readonly fence: number;
  /** When it was claimed, in epoch milliseconds. */
  readonly startedAtMs: number;
  /** When it ended, in epoch milliseconds; absent while it lasts. */
  readonly endedAtMs?: number;
  /** How it ended; absent while it lasts. */
  readonly outcome?: AttemptOutcome;
  /** Why it failed, or was released. */
  readonly error?: string;
  /** The last note its holder left on the way. */
  readonly progress?: string;
  /**
   * It ended in a store that stood in for this one, while somebody else had the task here: what it came to counts for
   * nothing, and is kept to be looked at.
   */
  readonly late?: true;
  /** What it came to, when it was completed too late. */
  readonly result?: JsonValue;
}

/** Attempts kept with a task besides the newest. */
export const OLDER_KEPT = 99;
/** How many of the attempts before a claim answers at most: see {@linkcode Task.attempts}. */
export const HANDOFF = 10;
/** How many bytes all of them may have, as JSON; the last one is there whatever its size. */
export const HANDOFF_BYTES = 65_536;

/** Who has a claimed task, and until when. */
export interface TaskLease {
  /** The agent that has it. */
  readonly holder: string;
  /** Grows with every tenure in the namespace; a stale one changes nothing. */
  readonly fence: number;
  /** When the task goes back to the queue unless the lease is renewed, in epoch milliseconds. */
  readonly expiresAtMs: number;
}

/** How long a failed task waits before its next attempt. Never longer than an hour. */
export interface Backoff {
  /** `exponential` doubles the wait with every attempt, `linear` adds to it, `none` does not wait. */
  readonly kind: "exponential" | "linear" | "none";
  /** The first wait, in milliseconds, at most an hour. */
  readonly baseMs: number;
}

/**
 * What a task's creator may say of it besides what has a place of its own in stores. Stores keep all of it in one JSON
 * object and show it as it was said, so a field that is added here is in all of them; they look into the paths alone.
 */
export interface TaskDetails {
  /** What its creator passes to whoever does it: anything JSON can say, at most 256 KiB of it. */
  readonly payload?: JsonValue;
  /**
   * What its worker is going to change or read: a claim takes the task together with the locks on these paths, and passes
   * over a task while others hold them.
   */
  readonly paths?: readonly TaskPath[];
}

/** A path that a task declares. */
export interface TaskPath {
  /** Normalised path, as leases have it. */
  readonly path: string;
  /** How it is held while somebody has the task. */
  readonly mode: LockMode;
  /** Other names of the path; absent where there are none. */
  readonly aliases?: readonly string[];
}

/** The names of {@linkcode TaskDetails}. */
export const TASK_DETAILS: readonly (keyof TaskDetails)[] = Object.freeze(
  Object.keys({ payload: true, paths: true } satisfies Readonly<Record<keyof TaskDetails, true>>),
) as (keyof TaskDetails)[];

/** The details among other fields. What another version of the program may have added stays out. */
export function detailsOf(said: TaskDetails): TaskDetails {
  const details: { -readonly [Name in keyof TaskDetails]: unknown } = {};
  for (const name of TASK_DETAILS) {
    if (said[name] !== undefined) details[name] = said[name];
  }
  return details as TaskDetails;
}

/** A piece of work. */
export interface Task extends TaskDetails {
  /** `tsk_…`; sorts by creation. */
  readonly id: string;
  /** One line. */
  readonly title: string;
  /** May be empty, and may have several lines. */
  readonly description: string;
  /** 0 to 9; higher ones are served first. */
  readonly priority: number;
  /** What a claim can ask for. */
  readonly tags: readonly string[];
  /** Where it stands. */
  readonly status: TaskStatus;
  /** Identifiers of the tasks that must be completed first. */
  readonly dependsOn: readonly string[];
  /** Why a blocked task will not go on by itself: a dependency that is dead or cancelled. */
  readonly blockedReason?: string;
  /** What came of it, once completed. */
  readonly result?: JsonValue;
  /**
   * Its tenures, oldest first, the last one current or newest. {@linkcode Tasks.get} and {@linkcode Tasks.show} answer
   * all that are kept, which are the newest hundred. A claim answers the new one and what was handed over: the one
   * before it and up to nine more, as far as they come to 64 KiB together. Everything else, lists as well, answers
   * the newest one.
   */
  readonly attempts: readonly Attempt[];
  /** How many tenures there were before the first of {@linkcode Task.attempts}; absent when there was none. */
  readonly attemptsLeftOut?: number;
  /** How many of {@linkcode Task.maxAttempts} are used up. Released ones do not count; a retry by hand begins anew. */
  readonly attemptsUsed: number;
  /** Attempts after which it is dead. Released ones do not count. */
  readonly maxAttempts: number;
  /** When it may be claimed at the earliest, in epoch milliseconds: as asked, or after a failure. */
  readonly notBeforeMs?: number;
  /** The agent that created it. */
  readonly createdBy: string;
  /** When, in epoch milliseconds. */
  readonly createdAtMs: number;
  /** When it last changed, in epoch milliseconds; renewing its lease is a change. */
  readonly updatedAtMs: number;
  /** Present while it is claimed. */
  readonly lease?: TaskLease;
}

/** How many leases that have lapsed, and scheduled tasks that are due, one sweep returns to the queue. */
export const SWEPT_AT_ONCE = 64;

/** How many sweeps one claim makes at most. */
export const SWEEPS_OF_A_CLAIM = 8;

/** How many of the tasks that wait for another are unblocked at once when it is completed. */
export const UNBLOCKED_AT_ONCE = 256;

/** How many tasks of a tag one operation of a claim looks at for those that carry other tags, too. */
export const TAGGED_LOOKED_AT = 4096;

/** How many tasks that declare paths one operation of a claim looks at, in the order of the queue, when they are held up. */
export const CANDIDATES_LOOKED_AT = 64;

/**
 * A task that others' claims have held up for so long, each after another, keeps tasks behind it in the queue from its
 * paths until it is claimed; so many at a time.
 */
export const STARVED_MS = 300_000;
export const STARVING_MOST = 8;

/** Of how many different tags one operation lets the first task in that a lease has held up. */
export const LET_IN_AT_ONCE = 64;

/** How many waiters for tasks one operation looks at, in the order they came. */
export const TASK_WAITERS_LOOKED_AT = 256;

/** A waiter for tasks that was not seen for this long is dead. */
export const TASK_WAITER_SILENCE_MS = 60_000;

/** How many tasks one operation looks at for the largest. */
export const TASKS_SIZED = 500;

/** How many older attempts one operation of pruning removes before it leaves the rest to another. */
export const ATTEMPTS_PRUNED_AT_ONCE = 2000;

/** Where time has changed more tasks than this, or an agent holds more, one operation does not sort them. */
export const SORTED_AT_ONCE = 1000;

/** How many tasks one list on a server looks at, of which it may show few. Measured in task/redis/list.lua. */
export const TASKS_LOOKED_AT = 500;
