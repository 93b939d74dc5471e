/**
 * The steps on tasks, on the directory engine.
 * @module
 */
import type { Actor, Engine } from "../store/transaction.ts";
import { emit } from "../event/append.ts";
import { changed, create } from "./creation.ts";
import { show, unblock } from "./dependencies.ts";
import { countTasks, list } from "./listing.ts";
import type { AttemptOutcome, JsonValue, Task, TaskCounts } from "./model.ts";
import { claim } from "./queue.ts";
import {
  attemptsOf,
  COLUMNS,
  endAttempt,
  isDue,
  settle,
  specOf,
  type TaskRow,
  toTask,
  waitingStatus,
} from "./rows.ts";
import { nextDueMs, Step } from "./step.ts";
import type {
  ChangeOutcome,
  ClaimOutcome,
  ClaimRequest,
  CompleteOutcome,
  CreateOutcome,
  HoldOutcome,
  TaskDraft,
  TaskPatch,
  TaskQuery,
  TaskSlice,
  TaskStore,
  Tenure,
  Waiter,
} from "./store.ts";
import { hangBell, takeBell } from "./waiters.ts";
import { giveBack } from "./give_back.ts";
import { backoffMs } from "./backoff.ts";

/** {@linkcode TaskStore} on a directory. */
export class DirectoryTasks implements TaskStore {
  readonly #engine: Engine;

  /** Uses the engine's transactions. */
  constructor(engine: Engine) {
    this.#engine = engine;
  }

  create(actor: Actor, drafts: readonly TaskDraft[]): Promise<CreateOutcome> {
    return this.#write(actor, (step) => create(step, actor, drafts));
  }

  claim(actor: Actor, request: ClaimRequest, waiter?: Waiter): Promise<ClaimOutcome> {
    return this.#write(actor, (step) => {
      const tasks = claim(step, actor, request);
      if (tasks.length > 0) {
        if (waiter !== undefined) takeBell(step.tx, waiter.id);
        return { tasks };
      }
      if (waiter !== undefined) hangBell(step.tx, waiter, request);
      const dueMs = nextDueMs(step.tx);
      return dueMs === undefined ? { tasks } : { tasks, retryInMs: dueMs - step.tx.nowMs };
    });
  }

  abandon(waiterId: string): Promise<void> {
    return this.#engine.write(undefined, (tx) => takeBell(tx, waiterId));
  }

  renew(
    actor: Actor,
    tenure: Tenure,
    { leaseMs, progress }: { readonly leaseMs?: number; readonly progress?: string },
  ): Promise<HoldOutcome> {
    return this.#whileHeld(actor, tenure, undefined, (step, row) => {
      const length = leaseMs ?? row.lease_ms;
      return step.move(row, {
        ...row,
        lease_ms: length,
        due_at_ms: Math.max(row.due_at_ms!, step.tx.nowMs + length),
        progress: progress ?? row.progress,
        updated_at_ms: step.tx.nowMs,
      });
    });
  }

  complete(
    actor: Actor,
    tenure: Tenure,
    result: JsonValue | undefined,
    next?: ClaimRequest,
  ): Promise<CompleteOutcome> {
    return this.#write(actor, (step) => {
      const outcome = completeIn(step, actor, tenure, result);
      if (outcome.kind !== "done") return outcome;
      return { ...outcome, next: next === undefined ? [] : claim(step, actor, next) };
    });
  }

  fail(
    actor: Actor,
    tenure: Tenure,
    { error, retry }: { readonly error: string; readonly retry: boolean },
  ): Promise<HoldOutcome> {
    return this.#whileHeld(actor, tenure, "failed", (step, row) => {
      const { nowMs } = step.tx;
      const ended = endAttempt(row, "failed", nowMs, error);
      const dead = !retry || row.spent >= row.max_attempts;
      const startAtMs = nowMs + backoffMs(specOf(row).backoff, row.spent);
      const after = step.move(row, {
        ...ended,
        ...(dead ? { status: "dead" } : waitingStatus(row, startAtMs, nowMs)),
      });
      emit(step.tx, "task.failed", row.id, actor.name, { fence: row.fence });
      if (dead) step.died(after);
      return after;
    });
  }

  release(actor: Actor, tenure: Tenure, reason: string | undefined): Promise<HoldOutcome> {
    return this.#whileHeld(
      actor,
      tenure,
      "released",
      (step, row) => giveBack(step, row, reason),
    );
  }

  cancel(actor: Actor, id: string): Promise<ChangeOutcome> {
    return this.#change(actor, id, (step, row) => {
      if (row.status === "cancelled") return row;
      if (row.status === "completed" || row.status === "dead") return undefined;
      const { nowMs } = step.tx;
      const ended = row.status === "claimed"
        ? endAttempt(row, "cancelled", nowMs)
        : { ...row, due_at_ms: null, updated_at_ms: nowMs };
      const fence = row.status === "claimed" ? { fence: row.fence } : undefined;
      emit(step.tx, "task.cancelled", id, actor.name, fence);
      return step.move(row, { ...ended, status: "cancelled" });
    });
  }

  retry(actor: Actor, id: string): Promise<ChangeOutcome> {
    return this.#change(actor, id, (step, row) => {
      if (row.status !== "dead" && row.status !== "cancelled") return undefined;
      const { nowMs } = step.tx;
      emit(step.tx, "task.retried", id, actor.name);
      return step.move(row, {
        ...row,
        ...waitingStatus(row, specOf(row).notBeforeMs, nowMs),
        spent: 0,
        updated_at_ms: nowMs,
      });
    });
  }

  update(actor: Actor, id: string, patch: TaskPatch): Promise<ChangeOutcome> {
    return this.#change(actor, id, (step, row) => {
      const waiting = ["scheduled", "blocked", "pending"].includes(row.status);
      if (!waiting) return undefined;
      emit(step.tx, "task.updated", id, actor.name, { fields: Object.keys(patch) });
      return step.rewrite(row, changed(row, patch, step.tx.nowMs));
    });
  }

  sweep(actor: Actor): Promise<readonly string[]> {
    return this.#write(actor, (step) => {
      const ids: string[] = [];
      for (let more = true; more;) {
        const swept = step.sweep();
        ids.push(...swept.lapsed.map(({ id }) => id));
        more = swept.more;
      }
      return ids;
    });
  }

  get(id: string): Promise<Task | undefined> {
    return this.#engine.read((reader) => {
      const row = reader.get<TaskRow>(`SELECT ${COLUMNS} FROM tasks WHERE id = ?`, id);
      return row && show(reader, row);
    });
  }

  list(query: TaskQuery): Promise<TaskSlice> {
    return this.#engine.read((reader) => list(reader, query));
  }

  counts(): Promise<TaskCounts> {
    return this.#engine.read(countTasks);
  }

  #write<T>(actor: Actor, body: (step: Step) => T): Promise<T> {
    return this.#engine.write(actor, (tx) => {
      const step = new Step(tx);
      const value = body(step);
      step.end();
      return value;
    });
  }

  /** Runs `body` on a task whose live lease the tenure means; `repeat` is the outcome that it leads to. */
  #whileHeld(
    actor: Actor,
    tenure: Tenure,
    repeat: AttemptOutcome | undefined,
    body: (step: Step, row: TaskRow) => TaskRow,
  ): Promise<HoldOutcome> {
    return this.#write(actor, (step) => {
      const { tx } = step;
      const row = step.find(tenure.id);
      if (row === undefined) return { kind: "unknown" };
      if (isHeld(row, actor, tenure) && !isDue(row, tx.nowMs)) {
        return { kind: "done", task: toTask(body(step, row)) };
      }
      const settled = settle(row, tx.nowMs);
      const done = repeat !== undefined && newest(settled, actor, tenure) === repeat &&
        tenure.fence !== undefined;
      return { kind: done ? "done" : "lost", task: show(tx, settled) };
    });
  }

  /** Runs `body` on a task as time has left it; no row from it means that the status forbids it. */
  #change(
    actor: Actor,
    id: string,
    body: (step: Step, row: TaskRow) => TaskRow | undefined,
  ): Promise<ChangeOutcome> {
    return this.#write(actor, (step) => {
      const found = step.find(id);
      if (found === undefined) return { kind: "unknown" };
      const row = step.settle(found);
      const after = body(step, row);
      return after === undefined
        ? { kind: "refused", task: show(step.tx, row) }
        : { kind: "done", task: show(step.tx, after) };
    });
  }
}

function isHeld(row: TaskRow, { name }: Actor, { fence = row.fence }: Tenure): boolean {
  return row.status === "claimed" && row.holder === name && row.fence === fence;
}

/** How the newest attempt ended, if it is the one that the tenure means. */
function newest(
  row: TaskRow,
  { name }: Actor,
  { fence = row.fence }: Tenure,
): AttemptOutcome | undefined {
  if (row.status === "claimed" || row.fence !== fence) return undefined;
  const last = attemptsOf(row).at(-1);
  return last?.holder === name ? last.outcome : undefined;
}

/**
 * A completion counts while its attempt is the newest one: also after the lease has lapsed, as long as
 * nobody has claimed the task since and it has not died of it.
 */
function completeIn(
  step: Step,
  actor: Actor,
  tenure: Tenure,
  result: JsonValue | undefined,
): HoldOutcome {
  const { tx } = step;
  const row = step.find(tenure.id);
  if (row === undefined) return { kind: "unknown" };
  const settled = settle(row, tx.nowMs);
  const open = settled.status !== "dead" && settled.status !== "cancelled";
  const held = open && isHeld(row, actor, tenure);
  const ended = held ? undefined : newest(settled, actor, tenure);
  if (!held && !(open && ended === "expired")) {
    const done = ended === "completed" && tenure.fence !== undefined;
    return { kind: done ? "done" : "lost", task: show(tx, settled) };
  }
  const after = step.move(row, {
    ...(held ? endAttempt(row, "completed", tx.nowMs) : revised(row, tx.nowMs)),
    status: "completed",
    result: result === undefined ? null : JSON.stringify(result),
  });
  emit(tx, "task.completed", row.id, actor.name, { fence: row.fence });
  unblock(step, after);
  return { kind: "done", task: toTask(after) };
}

/** The row with its newest attempt completed after all. */
function revised(row: TaskRow, nowMs: number): TaskRow {
  const attempts = attemptsOf(row);
  const last = { ...attempts.at(-1)!, endedAtMs: nowMs, outcome: "completed" };
  return {
    ...row,
    due_at_ms: null,
    updated_at_ms: nowMs,
    attempts: JSON.stringify([...attempts.slice(0, -1), last]),
  };
}
