/**
 * The atomic operations on tasks that every store offers.
 * @module
 */
import type { LargestPortion } from "../largest.ts";
import type { PrunedPortion, PrunePortion } from "../prune.ts";
import type { Actor } from "../engine/actor.ts";
import type {
  Backoff,
  EndedStatus,
  JsonValue,
  Task,
  TaskCounts,
  TaskDetails,
  TaskStatus,
} from "./model.ts";

/** What does not change while a task is worked on. */
export interface TaskSpec extends TaskDetails {
  readonly title: string;
  readonly description: string;
  readonly priority: number;
  readonly tags: readonly string[];
  readonly maxAttempts: number;
  /** Length of a lease on it when a claim does not say. */
  readonly leaseMs: number;
  readonly backoff: Backoff;
  readonly notBeforeMs?: number;
}

/** A task to be created. */
export interface TaskDraft extends TaskSpec {
  /** `tsk_` and a ULID, made by the client so that a repeated operation is recognised. */
  readonly id: string;
  /** Identifiers of older tasks, and places of others in the same batch, without repeats. */
  readonly dependsOn: readonly (string | number)[];
  readonly key?: string;
}

/** What became of a batch: all of it, or nothing because one dependency does not exist. */
export type CreateOutcome =
  | { readonly kind: "created"; readonly tasks: readonly Task[] }
  | { readonly kind: "unknown"; readonly index: number; readonly dependency: string };

/** Which tasks a claim wants. */
export interface ClaimRequest {
  /** Empty: any task. */
  readonly tags: readonly string[];
  /** Whether one of the tags is enough. */
  readonly match: "any" | "all";
  /** Default: as each task says. */
  readonly leaseMs?: number;
  /** At most this many. */
  readonly count: number;
}

/** What a claim got; nothing when `tasks` is empty. */
export interface ClaimOutcome {
  readonly tasks: readonly Task[];
  /**
   * When, at the latest, time alone may bring a task; absent when it will not. 0: there is so much to return
   * to the queue first that one operation did not finish it.
   */
  readonly retryInMs?: number;
}

/** Which tenure an operation means: this fence's, or else the actor's. */
export interface Tenure {
  readonly id: string;
  readonly fence?: number;
}

/** What became of an operation that needs the lease; `task` is how it stands now. */
export type HoldOutcome =
  | { readonly kind: "done"; readonly task: Task }
  | { readonly kind: "unknown" }
  /** The actor does not hold it, or not under this fence (any more). */
  | { readonly kind: "lost"; readonly task: Task };

/** What became of a completion, and what was claimed in the same operation. */
export type CompleteOutcome =
  | { readonly kind: "done"; readonly task: Task; readonly next: readonly Task[] }
  | Exclude<HoldOutcome, { readonly kind: "done" }>;

/** What became of a change that needs no lease; `refused` when the task's status forbids it. */
export type ChangeOutcome =
  | { readonly kind: "done"; readonly task: Task }
  | { readonly kind: "unknown" }
  | { readonly kind: "refused"; readonly task: Task };

/** New values for a waiting task; `notBeforeMs: null` means now. */
export type TaskPatch =
  & Partial<Omit<TaskSpec, "notBeforeMs">>
  & { readonly notBeforeMs?: number | null };

/** Which tasks to list. */
export interface TaskQuery {
  readonly status?: TaskStatus;
  /** Empty: whatever their tags. */
  readonly tags: readonly string[];
  readonly match: "any" | "all";
  readonly holder?: string;
  readonly createdBy?: string;
  readonly limit: number;
  readonly order: ListOrder;
  /**
   * Where to go on; 0 is the beginning. The number of creation, in the order of claims
   * `stage * STAGE_PLACES` more.
   */
  readonly after: number;
}

/** See {@linkcode ListTasksOptions.order}. */
export type ListOrder = "created" | "claim";

/** As many places has each stage of the order of claims: claimed, ten priorities, blocked, scheduled, ended. */
export const STAGE_PLACES = 2 ** 44;

/** Some tasks in the order that was asked for. */
export interface TaskSlice {
  readonly tasks: readonly Task[];
  /** Where to go on. Present, even with fewer tasks than asked for, while some were not looked at. */
  readonly next?: number;
}

/** What a sweep found: the tasks whose lease had lapsed, and whether there may be others. */
export interface SweepOutcome {
  readonly lapsed: readonly string[];
  readonly more: boolean;
}

/** Which ended tasks one operation is to remove. */
export interface PruneRequest extends PrunePortion {
  readonly statuses: readonly EndedStatus[];
}

/** Atomic operations only; waiting, renewing and throwing belong to {@linkcode Tasks}. */
export interface TaskStore {
  /** Creates every task, or none. One whose key is known already is answered as it stands. */
  create(actor: Actor, drafts: readonly TaskDraft[]): Promise<CreateOutcome>;
  /**
   * Takes the best tasks. If there is none, `waiter` gets a place in the queue of those who wait; a task that
   * it may take then wakes this process.
   */
  claim(actor: Actor, request: ClaimRequest, waiter?: string): Promise<ClaimOutcome>;
  /** Takes a waiter out of the queue. */
  abandon(waiterId: string): Promise<void>;
  /** Extends a live lease, by its own length or the given one, and notes the progress. */
  renew(
    actor: Actor,
    tenure: Tenure,
    change: { readonly leaseMs?: number; readonly progress?: string },
  ): Promise<HoldOutcome>;
  /** Completes the newest attempt, unless the task has died or was cancelled; then claims `next`. */
  complete(
    actor: Actor,
    tenure: Tenure,
    result: JsonValue | undefined,
    next?: ClaimRequest,
  ): Promise<CompleteOutcome>;
  /** Ends a live attempt without success. */
  fail(
    actor: Actor,
    tenure: Tenure,
    change: { readonly error: string; readonly retry: boolean },
  ): Promise<HoldOutcome>;
  /** Ends a live attempt as if it had not been made; nobody may claim the task before `notBeforeMs`. */
  release(
    actor: Actor,
    tenure: Tenure,
    change: { readonly reason?: string; readonly notBeforeMs?: number },
  ): Promise<HoldOutcome>;
  /** Ends a task for good, whoever holds it; done already is done. */
  cancel(actor: Actor, id: string): Promise<ChangeOutcome>;
  /** Brings a dead or cancelled task back. */
  retry(actor: Actor, id: string): Promise<ChangeOutcome>;
  /** Changes a task that nobody works on yet. */
  update(actor: Actor, id: string, patch: TaskPatch): Promise<ChangeOutcome>;
  /** Returns some of the lapsed leases and due tasks to the queue. */
  sweep(actor: Actor): Promise<SweepOutcome>;
  /** Removes some of the tasks that ended long ago, but for those that others still wait for. */
  prune(actor: Actor, request: PruneRequest): Promise<PrunedPortion>;
  /** The task with all attempts that are kept; what the other operations answer of them is said at `Task.attempts`. */
  get(id: string): Promise<Task | undefined>;
  list(query: TaskQuery): Promise<TaskSlice>;
  counts(): Promise<TaskCounts>;
  /** The largest of some tasks, the newest or those before a place that an earlier operation answered. */
  largest(before: number | undefined): Promise<LargestPortion>;
}
