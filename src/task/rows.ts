/**
 * A task's row on the directory engine: how it stands at a given moment, and what is shown of it.
 *
 * Time changes a row without anybody writing it: a lease lapses, a scheduled task's time comes.
 * {@linkcode settle} says what a row has become by then; readers show that, and the steps that write
 * begin with it, so both always see the same.
 * @module
 */
import { LIMITS } from "../name.ts";
import type { Attempt, AttemptOutcome, Task, TaskStatus } from "./model.ts";
import type { TaskSpec } from "./store.ts";

/** A row of `tasks`, but for its idempotency key. */
export interface TaskRow {
  readonly seq: number;
  readonly id: string;
  readonly status: TaskStatus;
  readonly rank: number;
  readonly due_at_ms: number | null;
  readonly holder: string | null;
  readonly fence: number;
  readonly lease_ms: number;
  readonly started_at_ms: number | null;
  readonly spent: number;
  readonly max_attempts: number;
  readonly waits_for: number;
  readonly created_by: string;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
  readonly tags: string;
  readonly progress: string | null;
  readonly attempts: string;
  readonly result: string | null;
  readonly spec: string;
  readonly payload: string | null;
}

/** The columns of a {@linkcode TaskRow}. */
export const COLUMNS =
  "seq, id, status, rank, due_at_ms, holder, fence, lease_ms, started_at_ms, " +
  "spent, max_attempts, waits_for, created_by, created_at_ms, updated_at_ms, tags, progress, " +
  "attempts, result, spec, payload";

/** What the `spec` column holds: everything that has no column of its own. */
export interface StoredSpec
  extends Omit<TaskSpec, "priority" | "tags" | "maxAttempts" | "payload"> {
  readonly dependsOn: readonly string[];
}

/** More tasks than a namespace will ever see. */
const SEQS = 2 ** 48;
/** Ended attempts kept with a task. */
const ATTEMPTS_KEPT = 100;
/** Below this length a list of attempts cannot hold more than {@linkcode ATTEMPTS_KEPT}. */
const ATTEMPTS_SHORT = 64 * ATTEMPTS_KEPT;

/** The queue's order as one number: the higher priority first, then the one created first. */
export function rankOf(priority: number, seq: number): number {
  return (LIMITS.priorityMax - priority) * SEQS + seq;
}

/** The first rank of a priority; the ranks of its tasks are this plus their `seq`. */
export function rankBase(priority: number): number {
  return rankOf(priority, 0);
}

/** The `seq` inside a rank. */
export function seqOfRank(rank: number): number {
  return rank % SEQS;
}

/** The priority inside a rank. */
export function priorityOf({ rank }: Pick<TaskRow, "rank">): number {
  return LIMITS.priorityMax - Math.floor(rank / SEQS);
}

/** The parsed `spec`. */
export function specOf(row: Pick<TaskRow, "spec">): StoredSpec {
  return JSON.parse(row.spec);
}

/** The ended attempts, oldest first. */
export function attemptsOf({ attempts }: Pick<TaskRow, "attempts">): Attempt[] {
  return attempts === "[]" ? [] : JSON.parse(attempts);
}

/** Whether time alone has changed the row. */
export function isDue({ due_at_ms }: Pick<TaskRow, "due_at_ms">, nowMs: number): boolean {
  return due_at_ms !== null && due_at_ms <= nowMs;
}

/** What the row has become by `nowMs`; the same row when time has not changed it. */
export function settle(row: TaskRow, nowMs: number): TaskRow {
  if (!isDue(row, nowMs)) return row;
  if (row.status !== "claimed") return { ...row, status: "pending", due_at_ms: null };
  const ended = endAttempt(row, "expired", row.due_at_ms!);
  return { ...ended, status: ended.spent < ended.max_attempts ? "pending" : "dead" };
}

/** The row without its holder, and with the attempt among the ended ones; its status stays. */
export function endAttempt(
  row: TaskRow,
  outcome: AttemptOutcome,
  atMs: number,
  error?: string,
): TaskRow {
  const attempt: Attempt = {
    holder: row.holder!,
    fence: row.fence,
    startedAtMs: row.started_at_ms!,
    endedAtMs: atMs,
    outcome,
    ...(error === undefined ? {} : { error }),
    ...(row.progress === null ? {} : { progress: row.progress }),
  };
  return {
    ...row,
    due_at_ms: null,
    holder: null,
    started_at_ms: null,
    progress: null,
    updated_at_ms: atMs,
    attempts: append(row.attempts, attempt),
  };
}

function append(attempts: string, attempt: Attempt): string {
  const added = JSON.stringify(attempt);
  if (attempts === "[]") return `[${added}]`;
  const all = `${attempts.slice(0, -1)},${added}]`;
  if (all.length < ATTEMPTS_SHORT) return all;
  return JSON.stringify((JSON.parse(all) as Attempt[]).slice(-ATTEMPTS_KEPT));
}

/** Where a task waits that nobody holds. */
export function waitingStatus(
  row: Pick<TaskRow, "waits_for">,
  startAtMs: number | undefined,
  nowMs: number,
): Pick<TaskRow, "status" | "due_at_ms"> {
  if (row.waits_for > 0) return { status: "blocked", due_at_ms: null };
  if (startAtMs !== undefined && startAtMs > nowMs) {
    return { status: "scheduled", due_at_ms: startAtMs };
  }
  return { status: "pending", due_at_ms: null };
}

/** The task as everybody sees it. The row must be settled. */
export function toTask(row: TaskRow, blockedReason?: string): Task {
  const spec = specOf(row);
  const attempts = attemptsOf(row);
  if (row.status === "claimed") {
    attempts.push({
      holder: row.holder!,
      fence: row.fence,
      startedAtMs: row.started_at_ms!,
      ...(row.progress === null ? {} : { progress: row.progress }),
    });
  }
  const notBeforeMs = row.status === "scheduled" ? row.due_at_ms! : spec.notBeforeMs;
  return {
    id: row.id,
    title: spec.title,
    description: spec.description,
    priority: priorityOf(row),
    tags: row.tags === "[]" ? [] : JSON.parse(row.tags),
    status: row.status,
    dependsOn: spec.dependsOn,
    ...(blockedReason === undefined ? {} : { blockedReason }),
    ...(row.payload === null ? {} : { payload: JSON.parse(row.payload) }),
    ...(row.result === null ? {} : { result: JSON.parse(row.result) }),
    attempts,
    maxAttempts: row.max_attempts,
    ...(notBeforeMs === undefined ? {} : { notBeforeMs }),
    createdBy: row.created_by,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
    ...(row.status === "claimed"
      ? { lease: { holder: row.holder!, fence: row.fence, expiresAtMs: row.due_at_ms! } }
      : {}),
  };
}
