/**
 * A task's row on the directory engine: how it stands at a given moment, and what is shown of it.
 *
 * Time changes a row without anybody writing it: a lease lapses, a scheduled task's time comes.
 * {@linkcode applyTime} says what a row has become by then; readers show that, and the operations that write
 * begin with it, so both always see the same.
 * @module
 */
import { LIMITS } from "../../name.ts";
import {
  type Attempt,
  type AttemptOutcome,
  detailsOf,
  type JsonValue,
  type Task,
  type TaskStatus,
} from "../model.ts";
import type { Reader } from "../../engine/directory/transaction.ts";
import type { TaskSpec } from "../store.ts";
import { textsOf } from "./texts.ts";
import { parseRow, parseRowObject } from "../../engine/directory/row_json.ts";

/**
 * A row of `tasks`, but for its idempotency key. An operation works on it in place and saves it once: copying
 * what the engine returns costs as much as reading it.
 */
export interface TaskRow {
  readonly seq: number;
  readonly id: string;
  status: TaskStatus;
  rank: number;
  due_at_ms: number | null;
  holder: string | null;
  fence: number;
  lease_ms: number;
  worker: string | null;
  started_at_ms: number | null;
  ended_at_ms: number | null;
  outcome: AttemptOutcome | null;
  error: string | null;
  progress: string | null;
  /** How many attempts there were before the newest one; see attempts.ts. */
  older: number;
  spent: number;
  waits_for: number;
  updated_at_ms: number;
  result: string | null;
  spec: string;
  /** `null` when it is too long to be carried along; see {@linkcode textsOf}. */
  description: string | null;
  payload: string | null;
  /** What `spec` says, once somebody has asked; see {@linkcode specOf}. */
  parsed?: StoredSpec | undefined;
}

/** The columns of a {@linkcode TaskRow}. */
export const COLUMNS = "seq, id, status, rank, due_at_ms, holder, fence, lease_ms, worker, " +
  "started_at_ms, ended_at_ms, outcome, error, progress, older, spent, waits_for, " +
  "updated_at_ms, result, spec, description, payload";

/** What the `spec` column holds: everything that does not change while the task is worked on and has no column. */
export interface StoredSpec
  extends Omit<TaskSpec, "priority" | "description" | "leaseMs" | "backoff"> {
  /** Absent of a task taken over from a store that was not there to be asked; then as long as the newest lease. */
  readonly leaseMs?: number;
  /** Absent likewise; then the usual one. */
  readonly backoff?: TaskSpec["backoff"];
  /** Has a column, too: it may be long. */
  readonly payload?: never;
  readonly dependsOn: readonly string[];
  readonly createdBy: string;
  readonly createdAtMs: number;
}

/** What a query reads from `spec`. */
export const MAX_ATTEMPTS = "(spec ->> '$.maxAttempts')";

/** More tasks than a namespace will ever see. */
const SEQS = 2 ** 48;

/**
 * Pending tasks that are held up have ranks of the same order behind all others: this much more. See held_up.ts. All of
 * them are exact numbers.
 */
export const HELD_UP_RANKS: number = 16 * SEQS;

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
  return LIMITS.priorityMax - Math.floor(queueRank(rank) / SEQS);
}

/** The rank of a task when it is not held up. */
export function queueRank(rank: number): number {
  return rank % HELD_UP_RANKS;
}

/** What `spec` says. */
export function specOf(row: Pick<TaskRow, "id" | "spec" | "parsed">): StoredSpec {
  return row.parsed ??= parseRowObject<StoredSpec>(row.spec, `task ${row.id}`);
}

/** Whether time alone has changed the row. */
export function isDue({ due_at_ms }: Pick<TaskRow, "due_at_ms">, nowMs: number): boolean {
  return due_at_ms !== null && due_at_ms <= nowMs;
}

/** Makes of the row what it has become by `nowMs`. */
export function applyTime(row: TaskRow, nowMs: number): void {
  if (!isDue(row, nowMs)) return;
  if (row.status === "claimed") {
    endAttempt(row, "expired", row.due_at_ms!);
    row.status = row.spent < specOf(row).maxAttempts ? "pending" : "dead";
  } else {
    row.status = "pending";
    row.due_at_ms = null;
  }
}

/** Begins an attempt under a new fence. The one before must have been put aside; see attempts.ts. */
export function beginAttempt(
  row: TaskRow,
  { holder, fence, leaseMs, nowMs }: {
    readonly holder: string;
    readonly fence: number;
    readonly leaseMs: number;
    readonly nowMs: number;
  },
): void {
  row.status = "claimed";
  row.due_at_ms = nowMs + leaseMs;
  row.holder = row.worker = holder;
  row.fence = fence;
  row.lease_ms = leaseMs;
  row.started_at_ms = row.updated_at_ms = nowMs;
  row.ended_at_ms =
    row.outcome =
    row.error =
    row.progress =
      null;
  row.spent++;
}

/** Ends the newest attempt. Where the task goes from here is the caller's to say. */
export function endAttempt(
  row: TaskRow,
  outcome: AttemptOutcome,
  atMs: number,
  error: string | null = null,
): void {
  row.due_at_ms = row.holder = null;
  row.ended_at_ms = row.updated_at_ms = atMs;
  row.outcome = outcome;
  row.error = error;
}

/** The newest attempt on a task that has had one. */
export function newestAttempt(row: TaskRow): Attempt {
  return {
    holder: row.worker!,
    fence: row.fence,
    startedAtMs: row.started_at_ms!,
    ...(row.ended_at_ms === null ? {} : { endedAtMs: row.ended_at_ms }),
    ...(row.outcome === null ? {} : { outcome: row.outcome }),
    ...(row.error === null ? {} : { error: row.error }),
    ...(row.progress === null ? {} : { progress: row.progress }),
  };
}

/** Sends a task that nobody holds to where it has to wait. */
export function wait(row: TaskRow, startAtMs: number | undefined, nowMs: number): void {
  const later = row.waits_for === 0 && startAtMs !== undefined && startAtMs > nowMs;
  row.status = row.waits_for > 0 ? "blocked" : later ? "scheduled" : "pending";
  row.due_at_ms = later ? startAtMs : null;
}

/** The task as everybody sees it, with its newest attempt and those given `before` it. `applyTime` comes first. */
export function toTask(
  reader: Reader,
  row: TaskRow,
  { before = [], blockedReason }: {
    readonly before?: readonly Attempt[];
    readonly blockedReason?: string | undefined;
  } = {},
): Task {
  const spec = specOf(row);
  const { description, payload } = textsOf(reader, row);
  const attemptsLeftOut = row.older - before.length;
  const notBeforeMs = row.status === "scheduled" ? row.due_at_ms! : spec.notBeforeMs;
  return {
    id: row.id,
    title: spec.title,
    description,
    priority: priorityOf(row),
    tags: spec.tags,
    status: row.status,
    dependsOn: spec.dependsOn,
    ...(blockedReason === undefined ? {} : { blockedReason }),
    ...(payload === null ? {} : { payload: parseRow(payload, `task ${row.id}`) as JsonValue }),
    ...detailsOf(spec),
    ...(row.result === null ? {} : { result: parseRow(row.result, `task ${row.id}`) as JsonValue }),
    attempts: row.worker === null ? [] : [...before, newestAttempt(row)],
    ...(attemptsLeftOut === 0 ? {} : { attemptsLeftOut }),
    attemptsUsed: row.spent,
    maxAttempts: spec.maxAttempts,
    ...(notBeforeMs === undefined ? {} : { notBeforeMs }),
    createdBy: spec.createdBy,
    createdAtMs: spec.createdAtMs,
    updatedAtMs: row.updated_at_ms,
    ...(row.status === "claimed"
      ? { lease: { holder: row.holder!, fence: row.fence, expiresAtMs: row.due_at_ms! } }
      : {}),
  };
}
