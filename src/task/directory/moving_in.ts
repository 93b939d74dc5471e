/**
 * Tasks that a directory takes over from another store, each with what finds it: the counts, the tags of pending
 * ones, the links of those that wait for others.
 * @module
 */
import { given } from "../../given.ts";
import type { Transaction } from "../../engine/directory/transaction.ts";
import type { TransferConflict } from "../../transfer.ts";
import { UNBLOCKED_AT_ONCE } from "../model.ts";
import {
  conflict,
  keyConflict,
  type MovedTask,
  type RemovedTask,
  type TaskRecord,
} from "../transfer.ts";
import { removeAttempts } from "./attempts.ts";
import { link, unblock, unlink } from "./dependencies.ts";
import type { TaskOperation } from "./operation.ts";
import { isNeeded, remove } from "./prune.ts";
import { rankOf, type StoredSpec, type TaskRow, wait } from "./rows.ts";
import { inRow, putBeside } from "./texts.ts";

/** More than wait for one task. */
const EVERY = 1_000_000;

/** Takes these over, in this order; see {@linkcode Target.take}. */
export function takeTasks(
  operation: TaskOperation,
  records: readonly TaskRecord[],
): TransferConflict[] {
  const { tx } = operation;
  // A task may wait for one that comes after it, so all places are known first.
  let { last } = tx.get<{ last: number }>("SELECT COALESCE(MAX(seq), 0) AS last FROM tasks")!;
  const places = new Map<string, number>();
  for (const record of records) {
    if ("removed" in record) continue;
    places.set(record.id, placeOf(tx, record.id)?.seq ?? places.get(record.id) ?? ++last);
  }
  const fences = records.map((record) =>
    "removed" in record ? 0 : record.attempts.at(-1)?.fence ?? 0
  );
  const fence = Math.max(0, ...fences);
  if (fence > 0) tx.startAbove({ fence, event: 0 });
  return records.flatMap((record) =>
    "removed" in record
      ? takeAway(operation, record)
      : takeTask(operation, record, places.get(record.id)!, places)
  );
}

function takeTask(
  operation: TaskOperation,
  record: MovedTask,
  seq: number,
  places: ReadonlyMap<string, number>,
): TransferConflict[] {
  const { tx } = operation;
  const { id, key } = record;
  const conflicts: TransferConflict[] = [];
  const known = operation.find(id);
  if (known !== undefined) displace(operation, known);
  const open: number[] = [];
  for (const need of record.waitsFor) {
    const place = placeOf(tx, need);
    const on = place?.seq ?? places.get(need);
    if (place?.status === "completed") continue;
    if (on !== undefined) open.push(on);
    else conflicts.push(conflict(id, `does not wait for ${need}, which is not there`));
  }
  const owner = key === undefined
    ? undefined
    : tx.get<{ id: string }>("SELECT id FROM tasks WHERE key = ? AND id <> ?", key, id);
  if (owner !== undefined) conflicts.push(keyConflict(id, owner.id));
  const texts = textsIn(record);
  const row = rowOf(record, { seq, waitsFor: open.length, nowMs: tx.nowMs });
  if (row.status === "blocked") wait(row, record.notBeforeMs, tx.nowMs);
  insert(tx, row, owner === undefined ? key ?? null : null);
  putBeside(tx, seq, texts);
  const older = record.attempts.slice(0, -1);
  for (const [index, attempt] of older.entries()) {
    const number = record.attemptsLeftOut + index + 1;
    tx.run("INSERT INTO task_attempts VALUES (?, ?, ?)", seq, number, JSON.stringify(attempt));
  }
  for (const on of open) link(tx, seq, on);
  operation.arrive(row);
  if (row.status === "completed") unblock(operation, row, UNBLOCKED_AT_ONCE);
  return conflicts;
}

function takeAway(
  operation: TaskOperation,
  { removed: id, status }: RemovedTask,
): TransferConflict[] {
  const { tx } = operation;
  const row = operation.find(id);
  if (row === undefined) return [];
  if (status === "completed") unblock(operation, row, EVERY);
  if (isNeeded(tx, row)) return [conflict(id, "kept, since others wait for it")];
  operation.depart(row);
  remove(tx, row);
  return [];
}

function placeOf(tx: Transaction, id: string): Pick<TaskRow, "seq" | "status"> | undefined {
  return tx.get("SELECT seq, status FROM tasks WHERE id = ?", id);
}

/** Takes away what finds the task as it stands, and what lies beside its row. */
function displace(operation: TaskOperation, row: TaskRow): void {
  const { tx } = operation;
  operation.depart(row);
  unlink(tx, row);
  removeAttempts(tx, row);
  tx.run("DELETE FROM task_texts WHERE seq = ?", row.seq);
}

function textsIn({ description, payload }: MovedTask) {
  return { description, payload: payload === undefined ? null : JSON.stringify(payload) };
}

function rowOf(
  record: MovedTask,
  { seq, waitsFor, nowMs }: {
    readonly seq: number;
    readonly waitsFor: number;
    readonly nowMs: number;
  },
): TaskRow {
  const { id, status, leftMs, dueAtMs, result, attempts } = record;
  const newest = attempts.at(-1);
  const { title, tags, maxAttempts, backoff, notBeforeMs, defaultLeaseMs } = record;
  const spec: StoredSpec = {
    title,
    tags,
    maxAttempts,
    ...given({ leaseMs: defaultLeaseMs, backoff, notBeforeMs, paths: record.paths }),
    dependsOn: record.dependsOn,
    createdBy: record.createdBy,
    createdAtMs: record.createdAtMs,
  };
  return {
    seq,
    id,
    status,
    rank: rankOf(record.priority, seq),
    due_at_ms: leftMs === undefined ? dueAtMs ?? null : nowMs + leftMs,
    holder: status === "claimed" ? newest!.holder : null,
    fence: newest?.fence ?? 0,
    lease_ms: record.leaseMs,
    worker: newest?.holder ?? null,
    started_at_ms: newest?.startedAtMs ?? null,
    ended_at_ms: newest?.endedAtMs ?? null,
    outcome: newest?.outcome ?? null,
    error: newest?.error ?? null,
    progress: newest?.progress ?? null,
    older: newest === undefined ? 0 : record.attemptsLeftOut + attempts.length - 1,
    spent: record.spent,
    waits_for: waitsFor,
    updated_at_ms: record.updatedAtMs,
    result: result === undefined ? null : JSON.stringify(result),
    spec: JSON.stringify(spec),
    ...inRow(textsIn(record)),
  };
}

/** Inserts the row, or puts it in the place of the one that is there, which keeps its key unless one is told. */
function insert(tx: Transaction, row: TaskRow, key: string | null): void {
  const { parsed: _, ...columns } = { ...row, key };
  const names = Object.keys(columns);
  const replaced = names.filter((name) => name !== "seq" && name !== "key");
  tx.run(
    `INSERT INTO tasks (${names.join()}) VALUES (${names.map(() => "?").join()})
     ON CONFLICT (seq) DO UPDATE SET key = COALESCE(excluded.key, key), ${
      replaced.map((name) => `${name} = excluded.${name}`).join()
    }`,
    ...Object.values(columns),
  );
}
