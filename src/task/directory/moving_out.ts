/**
 * What a directory's journal says of tasks, as records on their way into another store.
 * @module
 */
import { given } from "../../given.ts";
import { journaled, settle } from "../../engine/directory/journal.ts";
import type { Reader, Transaction } from "../../engine/directory/transaction.ts";
import { parseRow } from "../../engine/directory/row_json.ts";
import type { ChangedPortion, PortionLimit } from "../../transfer.ts";
import { detailsOf, type JsonValue, type Task, type TaskStatus } from "../model.ts";
import type { MovedTask, RemovedTask, TaskRecord } from "../transfer.ts";
import { olderAttempts } from "./attempts.ts";
import { show } from "./dependencies.ts";
import { JOURNALED_TASKS, REMOVED_TASKS } from "./journal.ts";
import { applyTime, COLUMNS, newestAttempt, priorityOf, specOf, type TaskRow } from "./rows.ts";
import { textsOf } from "./texts.ts";

/** Those that were removed, so that their keys are free; then the others in the order of their creation. */
export function changedTasks(reader: Reader, limit: PortionLimit): ChangedPortion<TaskRecord> {
  const removed = journaled<string>(reader, REMOVED_TASKS, limit.records + 1);
  const seqs = removed.length > limit.records
    ? []
    : journaled<number>(reader, JOURNALED_TASKS, limit.records + 1 - removed.length);
  const changed = [...removed, ...seqs];
  const records: TaskRecord[] = [];
  const keys: (string | number)[] = [];
  let bytes = 0;
  for (const key of changed.slice(0, limit.records)) {
    const record = typeof key === "string" ? removedTask(key) : movedTask(reader, key);
    if (record !== undefined) {
      bytes += JSON.stringify(record).length;
      if (bytes > limit.bytes && records.length > 0) break;
      records.push(record);
    }
    keys.push(key);
  }
  return { records, keys, more: keys.length < changed.length };
}

/** A task under its lease. */
export interface ClaimedTask {
  readonly task: Task;
  /** Length of the lease. */
  readonly leaseMs: number;
  /** What is left of it. */
  readonly leftMs: number;
}

/** Every task whose lease has not lapsed. */
export function claimedTasks(reader: Reader): ClaimedTask[] {
  return reader.all<TaskRow>(
    `SELECT ${COLUMNS} FROM tasks
     WHERE holder IS NOT NULL AND status = 'claimed' AND due_at_ms > ? ORDER BY seq`,
    reader.nowMs,
  ).map((row) => ({
    task: show(reader, row, olderAttempts(reader, row)),
    leaseMs: row.lease_ms,
    leftMs: row.due_at_ms! - reader.nowMs,
  }));
}

/** Takes these keys out of the journal. */
export function settleTasks(tx: Transaction, keys: readonly (string | number)[]): void {
  settle(tx, REMOVED_TASKS, keys.filter((key) => typeof key === "string"));
  settle(tx, JOURNALED_TASKS, keys.filter((key) => typeof key === "number"));
}

/** Puts every task that is there into the journal; of those that were removed the ones not settled yet stay in it. */
export function markAllTasks(tx: Transaction): void {
  tx.run(
    "INSERT INTO journal (kind, key) SELECT ?, seq FROM tasks WHERE true ON CONFLICT DO NOTHING",
    JOURNALED_TASKS,
  );
}

function removedTask(key: string): RemovedTask {
  const [removed, fence, status] = key.split(" ") as [string, string, TaskStatus];
  return { removed, fence: Number(fence), status };
}

/** The task of this place as it is now; nothing when it has been removed. */
function movedTask(reader: Reader, seq: number): MovedTask | undefined {
  const row = reader.get<TaskRow & { readonly key: string | null }>(
    `SELECT key, ${COLUMNS} FROM tasks WHERE seq = ?`,
    seq,
  );
  if (row === undefined) return undefined;
  applyTime(row, reader.nowMs);
  const spec = specOf(row);
  const { id, key, status } = row;
  const { description, payload } = textsOf(reader, row);
  const attempts = row.worker === null ? [] : [...olderAttempts(reader, row), newestAttempt(row)];
  return {
    id,
    ...given({ key: key ?? undefined }),
    title: spec.title,
    description,
    priority: priorityOf(row),
    tags: spec.tags,
    maxAttempts: spec.maxAttempts,
    ...given({ notBeforeMs: spec.notBeforeMs }),
    ...given({ defaultLeaseMs: spec.leaseMs, backoff: spec.backoff }),
    ...(payload === null ? {} : { payload: parseRow(payload, `task ${id}`) as JsonValue }),
    ...detailsOf(spec),
    createdBy: spec.createdBy,
    createdAtMs: spec.createdAtMs,
    updatedAtMs: row.updated_at_ms,
    dependsOn: spec.dependsOn,
    waitsFor: openDependencies(reader, row),
    status,
    attempts,
    attemptsLeftOut: row.worker === null ? 0 : row.older + 1 - attempts.length,
    spent: row.spent,
    leaseMs: row.lease_ms,
    ...(status === "claimed" ? { leftMs: row.due_at_ms! - reader.nowMs } : {}),
    ...(status === "scheduled" ? { dueAtMs: row.due_at_ms! } : {}),
    ...(row.result === null ? {} : { result: parseRow(row.result, `task ${id}`) as JsonValue }),
  };
}

function openDependencies(reader: Reader, row: TaskRow): string[] {
  if (row.waits_for === 0) return [];
  return reader.all<{ id: string }>(
    `SELECT id FROM tasks WHERE id IN (SELECT value FROM json_each(?1)) AND status <> 'completed'
       AND EXISTS (SELECT 1 FROM task_links WHERE on_seq = tasks.seq AND seq = ?2) ORDER BY seq`,
    JSON.stringify(specOf(row).dependsOn),
    row.seq,
  ).map(({ id }) => id);
}
