/**
 * The task queue: work that agents hand to each other.
 *
 * The protocol. The store alone decides where a task stands, by its own clock, in one atomic operation per call;
 * there is no moment at which a task is in no state. A claim takes the best pending task: the highest
 * priority, then the one created first. It gives a lease: the task is its holder's until `expiresAtMs`,
 * which the holder moves on by renewing (as an explicit heartbeat of the agent does for all that it holds; no
 * other act does). Each claim is an attempt with a fence greater than all before.
 *
 * A holder that dies costs the task its remaining lease time and one attempt: the next operation that looks for
 * work finds it back at its old place in the queue, and whoever claims it finds in `attempts` how far the
 * others got. A task whose attempts are used up is `dead`: it stays, and can be retried by hand. A holder
 * that finishes late is not turned away for it: a completion counts as long as nobody has claimed the task
 * since, and it has not died or been cancelled. Everything else that a holder says needs the live lease. So two
 * agents never work under the same fence, and a task is completed at most once.
 *
 * Cancelling takes effect at once; the holder learns of it at its next renewal, by `lease_lost`.
 *
 * A task may declare paths; its claim locks them. How is said in paths.ts.
 * @module
 */
import { checkArguments } from "../arguments.ts";
import { checkBody, checkLeaseMs, checkWaitMs } from "../check.ts";
import { requireActor, type RoomContext } from "../context.ts";
import { checkJson } from "../json_value.ts";
import { type Instant, instantOf } from "../lease.ts";
import { LIMITS } from "../name.ts";
import type { Actor } from "../engine/actor.ts";
import { pruneAll, type Pruned } from "../prune.ts";
import { waitInQueue } from "../wait.ts";
import { TASK_ARGUMENTS } from "./arguments.ts";
import { checkStart, draftPatch, draftTasks, type NewTask, type TaskChanges } from "./draft.ts";
import { HeldTask } from "./held.ts";
import type { JsonValue, Task, TaskCounts } from "./model.ts";
import {
  checkClaim,
  checkQuery,
  checkStatuses,
  checkTenure,
  type ClaimOptions,
  type CompleteOptions,
  cursorAfter,
  type FailOptions,
  type ListTasksOptions,
  type NextOptions,
  type PruneTasksOptions,
  type ReleaseTaskOptions,
  type RenewOptions,
  type TaskPage,
  type TaskTenure,
} from "./options.ts";
import { changed, nothingToClaim, refusal, unknownDependency, unknownTask } from "./refusal.ts";
import { withNames } from "./paths.ts";
import { explainTask, type TaskExplanation } from "./why.ts";
import type { ClaimOutcome, ClaimRequest, HoldOutcome, TaskStore, Tenure } from "./store.ts";

export type { WantedPath } from "./paths.ts";
export type { TaskExplanation, WhyReason } from "./why.ts";

export type { NewTask, TaskChanges } from "./draft.ts";
export type {
  Attempt,
  AttemptOutcome,
  Backoff,
  EndedStatus,
  JsonValue,
  Task,
  TaskCounts,
  TaskDetails,
  TaskLease,
  TaskPath,
  TaskStatus,
} from "./model.ts";
export type {
  ClaimOptions,
  CompleteOptions,
  FailOptions,
  ListTasksOptions,
  NextOptions,
  PruneTasksOptions,
  ReleaseTaskOptions,
  RenewOptions,
  TaskPage,
  TaskTenure,
} from "./options.ts";

/** The task queue as one client sees it. */
export class Tasks {
  readonly #context: RoomContext;

  /** Used by the client; see {@linkcode CoordinationClient.tasks}. */
  constructor(context: RoomContext) {
    this.#context = context;
  }

  /**
   * Creates up to 1000 tasks in one operation: all of them, or none. Their texts (payloads as JSON) may take 8 MiB
   * together.
   *
   * @returns one task per item, in its place. Where an item's `key` was used before, that is the task
   * created then, as it stands now.
   * @throws {InvalidArgumentError} for a bad field, for texts that take more, or for dependencies that form a
   * cycle, which is named.
   * @throws {NotFoundError} for a dependency that does not exist.
   */
  async create(tasks: readonly NewTask[]): Promise<readonly Task[]> {
    const actor = requireActor(this.#context);
    const drafts = await withNames(this.#context, draftTasks(tasks));
    if (drafts.length === 0) return [];
    const outcome = await (await this.#store()).create(actor, drafts);
    if (outcome.kind === "created") return outcome.tasks;
    const { dependency, index } = outcome;
    throw unknownDependency(dependency, index, drafts[index]!.title);
  }

  /**
   * Claims the best pending tasks. Their leases lapse unless the caller renews them; {@linkcode Tasks.hold}
   * does that by itself.
   *
   * @returns at least one.
   * @throws {NothingToClaimError} when none qualifies (within `waitMs`).
   */
  async claim(options: ClaimOptions = {}): Promise<readonly Task[]> {
    const tasks = await this.tryClaim(options);
    if (tasks.length > 0) return tasks;
    const { tags = [], match = "any", waitMs = 0 } = options;
    throw nothingToClaim({ tags, match }, waitMs);
  }

  /** As {@linkcode Tasks.claim}, but an empty list when none qualifies. */
  async tryClaim(options: ClaimOptions = {}): Promise<readonly Task[]> {
    return (await this.#claim(options)).tasks;
  }

  /**
   * Claims the best pending task and keeps its lease alive until the returned handle learns how it ended,
   * or is disposed of; `undefined` when none qualifies (within `waitMs`).
   */
  async hold(options: Omit<ClaimOptions, "count"> = {}): Promise<HeldTask | undefined> {
    const { tasks: [task], sentAt } = await this.#claim({ ...options, count: 1 });
    return task && new HeldTask(this, task, this.#context, sentAt);
  }

  /**
   * Extends the lease on a task, and notes how far the work is.
   *
   * @throws {LeaseLostError} when it has ended; `details.cancelled` says whether that is why.
   */
  async renew(
    id: string,
    options: RenewOptions = {},
  ): Promise<Task> {
    const { leaseMs, progress } = options;
    const change = {
      ...(leaseMs === undefined ? {} : { leaseMs: checkLeaseMs(leaseMs, "leaseMs") }),
      ...(progress === undefined ? {} : { progress: checkBody(progress, "progress") }),
    };
    return await this.#whileHeld(
      "renew",
      id,
      options,
      (store, actor, which) => store.renew(actor, which, change),
    );
  }

  /**
   * Completes a task. Sent twice under the same fence, it answers the same.
   *
   * @throws {LeaseLostError} when somebody has claimed the task since, or it has died or was cancelled.
   */
  async complete(id: string, options: CompleteOptions = {}): Promise<Task> {
    return (await this.#complete(id, options)).task;
  }

  /**
   * Completes a task and claims the next ones, in one operation: what a worker does all day. It does not wait;
   * `next` may come back empty.
   *
   * @throws as {@linkcode Tasks.complete}; then nothing was claimed.
   */
  async completeAndClaim(
    id: string,
    options: CompleteOptions & { readonly next?: NextOptions } = {},
  ): Promise<{ readonly task: Task; readonly next: readonly Task[] }> {
    return await this.#complete(id, options, checkClaim(options.next ?? {}));
  }

  /**
   * Ends the attempt without success. The task is tried again after its backoff, or is dead when its
   * attempts are used up or `retry` is `false`.
   *
   * @throws {LeaseLostError} when the lease has ended.
   */
  async fail(id: string, options: FailOptions): Promise<Task> {
    const { error, retry = true } = options;
    const change = { error: checkBody(error, "error", false), retry };
    return await this.#whileHeld(
      "fail",
      id,
      options,
      (store, actor, which) => store.fail(actor, which, change),
    );
  }

  /**
   * Gives a task back to the queue, at its old place, or until `notBeforeMs` to the scheduled ones. The attempt does not
   * count.
   *
   * @throws {LeaseLostError} when the lease has ended.
   */
  async release(id: string, options: ReleaseTaskOptions = {}): Promise<Task> {
    const { reason, notBeforeMs } = options;
    const change = {
      ...(reason === undefined ? {} : { reason: checkBody(reason, "reason") }),
      ...(notBeforeMs === undefined ? {} : { notBeforeMs: checkStart(notBeforeMs) }),
    };
    return await this.#whileHeld(
      "release",
      id,
      options,
      (store, actor, which) => store.release(actor, which, change),
    );
  }

  /**
   * Ends a task for good, whoever holds it. Tasks that depend on it stay blocked, with the reason. Cancelling
   * a cancelled task changes nothing.
   *
   * @throws {ConflictError} when it is completed or dead.
   */
  async cancel(id: string): Promise<Task> {
    const actor = requireActor(this.#context);
    const outcome = await (await this.#store()).cancel(actor, String(id));
    return changed(outcome, "cancel", id, "there is nothing left to cancel");
  }

  /**
   * Brings a dead or cancelled task back, with a fresh budget of attempts; its history stays, and those that
   * depend on it can go on.
   *
   * @throws {ConflictError} when it is neither.
   */
  async retry(id: string): Promise<Task> {
    const actor = requireActor(this.#context);
    const outcome = await (await this.#store()).retry(actor, String(id));
    return changed(outcome, "retry", id, "only a dead or cancelled task can be retried");
  }

  /**
   * Changes a task that nobody works on yet. In the queue it keeps its place within its priority.
   *
   * @throws {ConflictError} when it is claimed or has ended.
   */
  async update(id: string, changes: TaskChanges): Promise<Task> {
    const actor = requireActor(this.#context);
    const [patch] = await withNames(this.#context, [draftPatch(changes)]);
    const outcome = await (await this.#store()).update(actor, String(id), patch!);
    return changed(outcome, "update", id, "only a task that waits can be changed");
  }

  /**
   * Returns lapsed leases and due tasks to the queue. Every claim does that too; this is for whoever watches
   * over the queue.
   *
   * @returns the identifiers of the tasks whose lease had lapsed.
   */
  async sweep(): Promise<readonly string[]> {
    const actor = requireActor(this.#context);
    const all: string[] = [];
    for (;;) {
      const { lapsed, more } = await (await this.#store()).sweep(actor);
      all.push(...lapsed);
      if (!more) return all;
    }
  }

  /**
   * Removes tasks that ended long ago: what they were, their results and their idempotency keys. One that another
   * still waits for is kept. Done in portions, each of them one operation.
   */
  async prune(options: PruneTasksOptions = {}): Promise<Pruned> {
    const actor = requireActor(this.#context);
    const statuses = checkStatuses(options);
    return await pruneAll(
      options,
      async (request) => (await this.#store()).prune(actor, { ...request, statuses }),
    );
  }

  /** The task as it is now, with all attempts that are kept; `undefined` when there is none with this identifier. */
  async get(id: string): Promise<Task | undefined> {
    return await (await this.#store()).get(String(id));
  }

  /**
   * The task as it is now, with all attempts that are kept.
   *
   * @throws {NotFoundError} when there is none with this identifier.
   */
  async show(id: string): Promise<Task> {
    const task = await this.get(id);
    if (task === undefined) throw unknownTask(id);
    return task;
  }

  /**
   * Why the task is not being worked on, or who works on it: at least one reason, in words and as data.
   *
   * @throws {NotFoundError} when there is none with this identifier.
   */
  async why(id: string): Promise<TaskExplanation> {
    return await explainTask(this.#context, String(id));
  }

  /**
   * Tasks page by page, in the order they were created or with the open ones first.
   *
   * @throws {InvalidArgumentError} for a bad filter, or a cursor that no page gave.
   */
  async list(options: ListTasksOptions = {}): Promise<TaskPage> {
    const query = checkQuery(options);
    const tasks: Task[] = [];
    const { limit, order } = query;
    for (let { after } = query;;) {
      const slice = await (await this.#store()).list({
        ...query,
        limit: limit - tasks.length,
        after,
      });
      tasks.push(...slice.tasks);
      if (slice.next === undefined) return { tasks };
      if (tasks.length >= limit) return { tasks, nextCursor: cursorAfter(slice.next, order) };
      after = slice.next;
    }
  }

  /** How many tasks there are in each status; costs the same however many there are. */
  async counts(): Promise<TaskCounts> {
    return await (await this.#store()).counts();
  }

  #store(): Promise<TaskStore> {
    return this.#context.store.tasks();
  }

  async #claim(
    options: ClaimOptions,
  ): Promise<{ readonly tasks: readonly Task[]; readonly sentAt: Instant }> {
    const { clock } = this.#context;
    const actor = requireActor(this.#context);
    const request = checkClaim(options);
    const waitMs = checkWaitMs(options.waitMs ?? 0, "waitMs");
    let sentAt = instantOf(clock);
    const { tasks } = await waitInQueue<ClaimOutcome>(this.#context, {
      look: async (waiter) => {
        const store = await this.#store();
        sentAt = instantOf(clock);
        return await store.claim(actor, request, waiter);
      },
      until: ({ tasks }) => tasks.length > 0,
      abandon: async (waiter) => await (await this.#store()).abandon(waiter),
    }, { waitMs, signal: options.signal });
    return { tasks, sentAt };
  }

  async #complete(
    id: string,
    options: CompleteOptions,
    next?: ClaimRequest,
  ): Promise<{ readonly task: Task; readonly next: readonly Task[] }> {
    const actor = requireActor(this.#context);
    const { result } = options;
    const which = checkTenure(id, options);
    const value = result === undefined
      ? undefined
      : checkJson(result, "result", LIMITS.resultBytes) as JsonValue;
    const outcome = await (await this.#store()).complete(actor, which, value, next);
    if (outcome.kind === "done") return { task: outcome.task, next: outcome.next };
    throw refusal(outcome, "complete", actor, which);
  }

  async #whileHeld(
    verb: string,
    id: string,
    tenure: TaskTenure,
    operation: (store: TaskStore, actor: Actor, which: Tenure) => Promise<HoldOutcome>,
  ): Promise<Task> {
    const actor = requireActor(this.#context);
    const which = checkTenure(id, tenure);
    const outcome = await operation(await this.#store(), actor, which);
    if (outcome.kind === "done") return outcome.task;
    throw refusal(outcome, verb, actor, which);
  }
}

checkArguments(Tasks, TASK_ARGUMENTS);
