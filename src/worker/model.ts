/**
 * What a worker is asked to do, and what it tells of it.
 * @module
 */
import type { HeldTask } from "../task/held.ts";
import type { JsonValue, Task } from "../task/model.ts";
import type { NextOptions } from "../task/options.ts";

/**
 * Does one task. What it returns is the task's result; what it throws fails the attempt, with the error's message. It
 * may also end the task itself, by {@linkcode HeldTask.fail} or {@linkcode HeldTask.release}.
 *
 * `signal` fires when work on the task has to stop: its lease is lost or about to lapse, it was cancelled, or the worker
 * was told to give up what it holds. What is thrown after that is not counted as a failure.
 */
export type TaskHandler = (
  task: HeldTask,
  signal: AbortSignal,
) => JsonValue | void | Promise<JsonValue | void>;

/** How a worker works; see {@linkcode runWorker}. */
export interface WorkerOptions extends Omit<NextOptions, "count"> {
  /** How many tasks at the same time, 1 to 100. Default 1. */
  readonly concurrency?: number;
  /** Leave after this many attempts. Default: no limit. */
  readonly maxTasks?: number;
  /** Leave when there was nothing to do for this long, in milliseconds. Default: wait for ever. */
  readonly idleExitMs?: number;
  /** Fires when the worker shall leave once the tasks under way are done. */
  readonly signal?: AbortSignal;
  /** Fires when the worker shall leave at once, and give back the tasks under way; no attempt counts. */
  readonly giveUp?: AbortSignal;
  /** Called after each attempt. Default: nothing. */
  readonly onAttempt?: (ended: EndedAttempt) => void;
  /** Called when the store could not be used, once each time; the worker tries again. Default: nothing. */
  readonly onOutage?: (error: unknown) => void;
}

/** How an attempt of a worker ended. `lost`: somebody else has the task, or it was cancelled. */
export type WorkerOutcome = "completed" | "failed" | "released" | "lost";

/** One attempt that has ended. */
export interface EndedAttempt {
  /** The task as it was claimed. */
  readonly task: Task;
  /** How it ended. */
  readonly outcome: WorkerOutcome;
  /** How long it took, in milliseconds. */
  readonly durationMs: number;
  /** Why, unless it was completed. */
  readonly error?: string;
}

/** How many attempts ended in which way. */
export type WorkerReport = Readonly<Record<WorkerOutcome, number>>;
