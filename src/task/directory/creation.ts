/**
 * Creating and changing what a task's creator says of it, on the directory engine.
 * @module
 */
import { given } from "../../given.ts";
import { emit } from "../../event/directory/append.ts";
import type { Actor } from "../../engine/actor.ts";
import type { Transaction } from "../../engine/directory/transaction.ts";
import { link, show } from "./dependencies.ts";
import {
  COLUMNS,
  priorityOf,
  rankOf,
  specOf,
  type StoredSpec,
  type TaskRow,
  wait,
} from "./rows.ts";
import type { TaskOperation } from "./operation.ts";
import { inRow, putBeside, textsOf } from "./texts.ts";
import type { CreateOutcome, TaskDraft, TaskPatch } from "../store.ts";

/** A task of the batch: one that exists already, or one with its place in the order of creation. */
type Member =
  | { readonly known: TaskRow }
  | { readonly known: undefined; readonly draft: TaskDraft; readonly seq: number };
type NewMember = Extract<Member, { readonly known: undefined }>;

/** What a task depends on: its identifier, and its place while it is not completed. */
interface Dependency {
  readonly id: string;
  readonly openSeq: number | undefined;
}

/** Creates the batch, or nothing. */
export function create(
  operation: TaskOperation,
  actor: Actor,
  drafts: readonly TaskDraft[],
): CreateOutcome {
  const { tx } = operation;
  const members = enlist(tx, drafts);
  // Two items with one key are one member. What exists already keeps the dependencies it has.
  const needs = new Map<NewMember, readonly Dependency[]>();
  for (const [index, member] of members.entries()) {
    if (member.known !== undefined || needs.has(member)) continue;
    const found = new Map<string, Dependency>();
    for (const item of drafts[index]!.dependsOn) {
      const dependency = typeof item === "number" ? inBatch(members[item]!) : lookUp(tx, item);
      if (dependency === undefined) return { kind: "unknown", index, dependency: item as string };
      found.set(dependency.id, dependency);
    }
    needs.set(member, [...found.values()]);
  }
  const created = new Map<Member, TaskRow>();
  for (const [member, found] of needs) created.set(member, insert(operation, actor, member, found));
  return {
    kind: "created",
    tasks: members.map((member) => show(tx, member.known ?? created.get(member)!)),
  };
}

/** Changes what the creator said of a task that waits. */
export function rewrite(operation: TaskOperation, row: TaskRow, patch: TaskPatch): void {
  const { notBeforeMs: asked, ...old } = specOf(row);
  const { priority, description, payload, notBeforeMs, ...said } = patch;
  const start = notBeforeMs === undefined ? asked : notBeforeMs ?? undefined;
  // What another version of the program keeps here stays.
  const spec: StoredSpec = {
    ...old,
    ...said,
    ...given({ notBeforeMs: start }),
  };
  const texts = textsOf(operation.tx, row);
  operation.rewrite(row, {
    rank: rankOf(priority ?? priorityOf(row), row.seq),
    spec: JSON.stringify(spec),
    description: description ?? texts.description,
    payload: payload === undefined ? texts.payload : JSON.stringify(payload),
  });
  // A wait that nobody asked to change, such as that after a failure, goes on.
  if (notBeforeMs === undefined) return;
  const { status } = row;
  wait(row, start, operation.tx.nowMs);
  operation.save(row, status);
}

function enlist(tx: Transaction, drafts: readonly TaskDraft[]): Member[] {
  let { seq } = tx.get<{ seq: number }>("SELECT COALESCE(MAX(seq), 0) AS seq FROM tasks")!;
  const keys = new Map<string, Member>();
  // A repeated operation finds all of its tasks or none: looking for one of them is enough.
  const first = drafts.find(({ key }) => key === undefined);
  const repeated = first !== undefined && find(tx, "id", first.id) !== undefined;
  return drafts.map((draft) => {
    const { id, key } = draft;
    const twin = key === undefined ? undefined : keys.get(key);
    if (twin !== undefined) return twin;
    const known = key === undefined
      ? repeated ? find(tx, "id", id) : undefined
      : find(tx, "key", key);
    const member: Member = known === undefined ? { known, draft, seq: ++seq } : { known };
    if (key !== undefined) keys.set(key, member);
    return member;
  });
}

function find(tx: Transaction, column: "id" | "key", value: string): TaskRow | undefined {
  return tx.get<TaskRow>(`SELECT ${COLUMNS} FROM tasks WHERE ${column} = ?`, value);
}

function inBatch(member: Member): Dependency {
  if (member.known === undefined) return { id: member.draft.id, openSeq: member.seq };
  return asDependency(member.known);
}

function lookUp(tx: Transaction, id: string): Dependency | undefined {
  const row = tx.get<Pick<TaskRow, "id" | "seq" | "status">>(
    "SELECT id, seq, status FROM tasks WHERE id = ?",
    id,
  );
  return row && asDependency(row);
}

function asDependency({ id, seq, status }: Pick<TaskRow, "id" | "seq" | "status">): Dependency {
  return { id, openSeq: status === "completed" ? undefined : seq };
}

function insert(
  operation: TaskOperation,
  actor: Actor,
  { draft, seq }: NewMember,
  needs: readonly Dependency[],
): TaskRow {
  const { tx } = operation;
  const { id, key, priority, description, payload, dependsOn: _, ...said } = draft;
  const texts = {
    description,
    payload: payload === undefined ? null : JSON.stringify(payload),
  };
  const open = needs.flatMap(({ openSeq }) => openSeq ?? []);
  const spec: StoredSpec = {
    ...said,
    dependsOn: needs.map((need) => need.id),
    createdBy: actor.name,
    createdAtMs: tx.nowMs,
  };
  const row: TaskRow = {
    seq,
    id,
    status: "pending",
    rank: rankOf(priority, seq),
    due_at_ms: null,
    holder: null,
    fence: 0,
    lease_ms: draft.leaseMs,
    worker: null,
    started_at_ms: null,
    ended_at_ms: null,
    outcome: null,
    error: null,
    progress: null,
    older: 0,
    spent: 0,
    waits_for: open.length,
    updated_at_ms: tx.nowMs,
    result: null,
    spec: JSON.stringify(spec),
    ...inRow(texts),
  };
  wait(row, draft.notBeforeMs, tx.nowMs);
  tx.run(
    `INSERT INTO tasks (seq, id, key, status, rank, due_at_ms, fence, lease_ms, older, spent,
       waits_for, updated_at_ms, spec, description, payload)
     VALUES (?, ?, ?, ?, ?, ?, 0, ?, 0, 0, ?, ?, ?, ?, ?)`,
    seq,
    id,
    key ?? null,
    row.status,
    row.rank,
    row.due_at_ms,
    row.lease_ms,
    row.waits_for,
    row.updated_at_ms,
    row.spec,
    row.description,
    row.payload,
  );
  putBeside(tx, seq, texts);
  for (const on of open) link(tx, seq, on);
  operation.arrive(row);
  emit(tx, "task.created", id, actor.name, { status: row.status, priority });
  return row;
}
