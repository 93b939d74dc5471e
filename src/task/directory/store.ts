/**
 * The operations on tasks, on the directory engine.
 * @module
 */
import { emit } from "../../event/directory/append.ts";
import type { LargestPortion } from "../../largest.ts";
import type { PrunedPortion } from "../../prune.ts";
import type { Actor } from "../../engine/actor.ts";
import type { Engine, Reader, Transaction } from "../../engine/directory/transaction.ts";
import { backoffMs, DEFAULT_BACKOFF } from "../backoff.ts";
import { CoordError } from "../../errors.ts";
import { ClaimLooks, type LongLooks } from "../claim_looks.ts";
import { goOn } from "../completion.ts";
import { olderAttempts } from "./attempts.ts";
import { create, rewrite } from "./creation.ts";
import { show, unblock, UNFINISHED } from "./dependencies.ts";
import { release } from "./release_tasks.ts";
import { countTasks, isOverdue, list } from "./listing.ts";
import {
  type AttemptOutcome,
  type JsonValue,
  type Task,
  type TaskCounts,
  UNBLOCKED_AT_ONCE,
} from "../model.ts";
import { largestTask } from "./largest.ts";
import { prune } from "./prune.ts";
import { claim, type Claimed } from "./queue.ts";
import { applyTime, endAttempt, specOf, type TaskRow, toTask, wait } from "./rows.ts";
import { BY_ID, nextDueMs, TaskOperation } from "./operation.ts";
import type {
  ChangeOutcome,
  ClaimOutcome,
  ClaimRequest,
  CompleteOutcome,
  CreateOutcome,
  HoldOutcome,
  PruneRequest,
  SweepOutcome,
  TaskDraft,
  TaskPatch,
  TaskQuery,
  TaskSlice,
  TaskStore,
  Tenure,
} from "../store.ts";
import { isQueued, joinQueue, leaveQueue, type Waiter } from "./waiters.ts";

/** {@linkcode TaskStore} on a directory. */
export class DirectoryTasks implements TaskStore {
  readonly #engine: Engine;
  readonly #longLooks: LongLooks = new Map();

  /** Uses the engine's transactions. */
  constructor(engine: Engine) {
    this.#engine = engine;
  }

  create(actor: Actor, drafts: readonly TaskDraft[]): Promise<CreateOutcome> {
    return this.#write(actor, (operation) => create(operation, actor, drafts));
  }

  async claim(actor: Actor, request: ClaimRequest, waiterId?: string): Promise<ClaimOutcome> {
    const looks = new ClaimLooks(this.#longLooks, waiterId);
    const waiter = waiterId === undefined
      ? undefined
      : { id: waiterId, waker: (await this.#engine.waker()).id };
    let place: number | undefined;
    for (;;) {
      const outcome = await this.#free(
        actor,
        (operation) =>
          this.#look(operation, actor, request, { waiter, place, glances: looks.glances }),
      );
      if (!("place" in outcome)) {
        if (outcome.tasks.length === 0) looks.end(place !== undefined);
        return outcome;
      }
      place = outcome.place;
    }
  }

  async abandon(waiterId: string): Promise<void> {
    this.#longLooks.delete(waiterId);
    await this.#engine.writeFreeing(undefined, (tx) => leaveQueue(tx, waiterId));
  }

  renew(
    actor: Actor,
    tenure: Tenure,
    { leaseMs, progress }: { readonly leaseMs?: number; readonly progress?: string },
  ): Promise<HoldOutcome> {
    return this.#whileHeld(actor, tenure, undefined, (operation, row) => {
      const { nowMs } = operation.tx;
      if (leaseMs !== undefined) row.lease_ms = leaseMs;
      if (progress !== undefined) row.progress = progress;
      row.due_at_ms = Math.max(row.due_at_ms!, nowMs + row.lease_ms);
      row.updated_at_ms = nowMs;
      operation.save(row, "claimed");
    });
  }

  async complete(
    actor: Actor,
    tenure: Tenure,
    result: JsonValue | undefined,
    next?: ClaimRequest,
  ): Promise<CompleteOutcome> {
    const { outcome, unfinished, claimed } = await this.#free(actor, (operation) => {
      const outcome = complete(operation, actor, tenure, result);
      const unfinished = operation.tx.counts[UNFINISHED] !== undefined;
      if (outcome.kind !== "done" || next === undefined) return { outcome, unfinished };
      return { outcome, unfinished, claimed: claim(operation, actor, next) };
    });
    if (outcome.kind !== "done") return outcome;
    const done = { ...outcome, next: claimed?.tasks ?? [] };
    return await goOn(done, async () => {
      if (unfinished) await this.#unblockAll(actor);
      if (claimed?.place === undefined) return done;
      return { ...outcome, next: (await this.claim(actor, next!)).tasks };
    });
  }

  fail(
    actor: Actor,
    tenure: Tenure,
    { error, retry }: { readonly error: string; readonly retry: boolean },
  ): Promise<HoldOutcome> {
    return this.#whileHeld(actor, tenure, "failed", (operation, row) => {
      const { nowMs } = operation.tx;
      const { maxAttempts, backoff = DEFAULT_BACKOFF } = specOf(row);
      endAttempt(row, "failed", nowMs, error);
      if (retry && row.spent < maxAttempts) {
        wait(row, nowMs + backoffMs(backoff, row.spent), nowMs);
      } else row.status = "dead";
      operation.save(row, "claimed");
      emit(operation.tx, "task.failed", row.id, actor.name, { fence: row.fence });
      if (row.status === "dead") operation.died(row);
    });
  }

  release(
    actor: Actor,
    tenure: Tenure,
    change: { readonly reason?: string; readonly notBeforeMs?: number },
  ): Promise<HoldOutcome> {
    return this.#whileHeld(
      actor,
      tenure,
      "released",
      (operation, row) => release(operation, row, change),
    );
  }

  cancel(actor: Actor, id: string): Promise<ChangeOutcome> {
    return this.#change(actor, id, (operation, row) => {
      const { status, fence } = row;
      if (status === "cancelled") return true;
      if (status === "completed" || status === "dead") return false;
      const { nowMs } = operation.tx;
      if (status === "claimed") endAttempt(row, "cancelled", nowMs);
      row.status = "cancelled";
      row.due_at_ms = null;
      row.updated_at_ms = nowMs;
      operation.save(row, status);
      const data = status === "claimed" ? { fence } : undefined;
      emit(operation.tx, "task.cancelled", id, actor.name, data);
      return true;
    });
  }

  retry(actor: Actor, id: string): Promise<ChangeOutcome> {
    return this.#change(actor, id, (operation, row) => {
      const { status } = row;
      if (status !== "dead" && status !== "cancelled") return false;
      const { nowMs } = operation.tx;
      wait(row, specOf(row).notBeforeMs, nowMs);
      row.spent = 0;
      row.updated_at_ms = nowMs;
      operation.save(row, status);
      emit(operation.tx, "task.retried", id, actor.name);
      return true;
    });
  }

  update(actor: Actor, id: string, patch: TaskPatch): Promise<ChangeOutcome> {
    return this.#change(actor, id, (operation, row) => {
      if (!["scheduled", "blocked", "pending"].includes(row.status)) return false;
      rewrite(operation, row, patch);
      emit(operation.tx, "task.updated", id, actor.name, { fields: Object.keys(patch) });
      return true;
    });
  }

  sweep(actor: Actor): Promise<SweepOutcome> {
    return this.#free(actor, (operation) => {
      const { lapsed, more } = operation.sweep();
      return { lapsed: lapsed.map(({ id }) => id), more };
    });
  }

  prune(actor: Actor, request: PruneRequest): Promise<PrunedPortion> {
    return this.#engine.writeFreeing(actor, (tx) => prune(tx, actor, request));
  }

  get(id: string): Promise<Task | undefined> {
    return this.#engine.read((reader) => {
      const row = reader.get<TaskRow>(BY_ID, id);
      return row && show(reader, row, olderAttempts(reader, row));
    });
  }

  list(query: TaskQuery): Promise<TaskSlice> {
    return this.#readCurrent((reader) => list(reader, query));
  }

  counts(): Promise<TaskCounts> {
    return this.#readCurrent(countTasks);
  }

  largest(before: number | undefined): Promise<LargestPortion> {
    return this.#engine.read((reader) => largestTask(reader, before));
  }

  /** One operation of a claim. Who waits is in the wait queue from the first one; who was woken since begins again. */
  #look(
    operation: TaskOperation,
    actor: Actor,
    request: ClaimRequest,
    { waiter, place, glances }: {
      readonly waiter: Waiter | undefined;
      readonly place: number | undefined;
      readonly glances: boolean;
    },
  ): ClaimOutcome | { readonly place: number } {
    const { tx } = operation;
    const inLine = waiter !== undefined && isQueued(tx, waiter.id);
    const glance = glances && place === undefined && inLine;
    const woken = waiter !== undefined && !inLine;
    const claimed: Claimed = glance
      ? { tasks: [], more: operation.sweep().more }
      : claim(operation, actor, request, woken ? undefined : place);
    const { tasks, more } = claimed;
    if (tasks.length > 0) {
      if (waiter !== undefined) leaveQueue(tx, waiter.id);
      return { tasks };
    }
    if (waiter !== undefined) joinQueue(tx, waiter, request);
    if (claimed.place !== undefined) return { place: claimed.place };
    const dueMs = more ? tx.nowMs : nextDueMs(tx);
    return dueMs === undefined ? { tasks } : { tasks, retryInMs: dueMs - tx.nowMs };
  }

  /**
   * Reads. Where very many leases have lapsed unnoticed, bounded operations first return those tasks to the queue; when
   * that cannot be, as on a full disk, they are read as they lie there.
   */
  async #readCurrent<T>(look: (reader: Reader) => T): Promise<T> {
    for (;;) {
      const found = await this.#engine.read((reader) =>
        isOverdue(reader) ? undefined : { value: look(reader) }
      );
      if (found !== undefined) return found.value;
      try {
        while (await this.#engine.write(undefined, sweepOnce));
      } catch (error) {
        if (!(error instanceof CoordError)) throw error;
        return await this.#engine.read(look);
      }
    }
  }

  /** Goes on, operation by operation, until no task is left that waits for a completed one. */
  async #unblockAll(actor: Actor): Promise<void> {
    for (let unfinished = true; unfinished;) {
      unfinished = await this.#free(actor, (operation) => {
        operation.sweep();
        return operation.tx.counts[UNFINISHED] !== undefined;
      });
    }
  }

  #write<T>(actor: Actor, body: (operation: TaskOperation) => T): Promise<T> {
    return this.#engine.write(actor, (tx) => inOperation(tx, body));
  }

  /** As `#write`, also on a full disk. */
  #free<T>(actor: Actor, body: (operation: TaskOperation) => T): Promise<T> {
    return this.#engine.writeFreeing(actor, (tx) => inOperation(tx, body));
  }

  /** Runs `body` on a task whose live lease the tenure means; `repeat` is the outcome that it leads to. */
  #whileHeld(
    actor: Actor,
    tenure: Tenure,
    repeat: AttemptOutcome | undefined,
    body: (operation: TaskOperation, row: TaskRow) => void,
  ): Promise<HoldOutcome> {
    return this.#free(actor, (operation) => {
      const { tx } = operation;
      const row = operation.find(tenure.id);
      if (row === undefined) return { kind: "unknown" };
      applyTime(row, tx.nowMs);
      if (row.status === "claimed" && isNewest(row, actor, tenure)) {
        body(operation, row);
        return { kind: "done", task: toTask(operation.tx, row) };
      }
      const done = repeat !== undefined && isRepeat(row, actor, tenure, repeat);
      return { kind: done ? "done" : "lost", task: show(tx, row) };
    });
  }

  /** Runs `body` on a task as time has left it; `false` from it means that the status forbids it. */
  #change(
    actor: Actor,
    id: string,
    body: (operation: TaskOperation, row: TaskRow) => boolean,
  ): Promise<ChangeOutcome> {
    return this.#free(actor, (operation) => {
      const row = operation.find(id);
      if (row === undefined) return { kind: "unknown" };
      operation.applyTime(row);
      const done = body(operation, row);
      return { kind: done ? "done" : "refused", task: show(operation.tx, row) };
    });
  }
}

/** A sweep of its own; whether there may be more. */
function sweepOnce(tx: Transaction): boolean {
  const operation = new TaskOperation(tx);
  const { more } = operation.sweep();
  operation.end();
  return more;
}

/** Whether the tenure means the newest attempt. */
function isNewest(row: TaskRow, { name }: Actor, { fence = row.fence }: Tenure): boolean {
  return row.worker === name && row.fence === fence;
}

/** Whether the tenure has ended in this very way: the same call once more, its answer having been lost. */
function isRepeat(row: TaskRow, actor: Actor, tenure: Tenure, outcome: AttemptOutcome): boolean {
  return tenure.fence !== undefined && isNewest(row, actor, tenure) && row.outcome === outcome;
}

/**
 * A completion counts while its attempt is the newest one: also after the lease has lapsed, as long as
 * nobody has claimed the task since and it has not died of it.
 */
function complete(
  operation: TaskOperation,
  actor: Actor,
  tenure: Tenure,
  result: JsonValue | undefined,
): HoldOutcome {
  const { tx } = operation;
  const row = operation.find(tenure.id);
  if (row === undefined) return { kind: "unknown" };
  const { status } = row;
  applyTime(row, tx.nowMs);
  const late = row.outcome === "expired" && row.status !== "dead" && row.status !== "cancelled";
  if ((row.status !== "claimed" && !late) || !isNewest(row, actor, tenure)) {
    const done = isRepeat(row, actor, tenure, "completed");
    return { kind: done ? "done" : "lost", task: show(tx, row) };
  }
  endAttempt(row, "completed", tx.nowMs);
  row.status = "completed";
  row.result = result === undefined ? null : JSON.stringify(result);
  operation.save(row, status);
  emit(tx, "task.completed", row.id, actor.name, { fence: row.fence });
  unblock(operation, row, UNBLOCKED_AT_ONCE);
  return { kind: "done", task: toTask(operation.tx, row) };
}

function inOperation<T>(tx: Transaction, body: (operation: TaskOperation) => T): T {
  const operation = new TaskOperation(tx);
  const value = body(operation);
  operation.end();
  return value;
}
