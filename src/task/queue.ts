/**
 * Taking tasks from the queue, on the directory engine.
 *
 * The queue is the index of pending tasks in the order of their rank; `task_tags` has the same order for
 * each tag. A claim reads the head of the queue, or the heads of the tags it asks for, and never a task
 * that it does not take.
 *
 * The number of rows stands in the statement itself: SQLite plans a statement anew each time a bound limit
 * changes hands, which costs more than all the rest of a claim.
 * @module
 */
import { emit } from "../event/append.ts";
import type { Actor } from "../store/transaction.ts";
import type { Task } from "./model.ts";
import { beginAttempt, COLUMNS, seqOfRank, specOf, type TaskRow, toTask } from "./rows.ts";
import type { Step } from "./step.ts";
import type { ClaimRequest } from "./store.ts";

/** The queue, best task first. */
const QUEUE = `SELECT ${COLUMNS} FROM tasks INDEXED BY tasks_live
  WHERE status = 'pending' AND holder IS NULL ORDER BY rank`;
const HEAD = `${QUEUE} LIMIT 1`;

/** How often one step returns a few tasks to the queue before it leaves the rest to another. */
const SWEEPS = 16;
const BY_SEQ = `SELECT ${COLUMNS} FROM tasks WHERE seq = ?`;

/**
 * Claims the best tasks that qualify, after returning to the queue what has come back to it. `more` when
 * nothing was found, but what is left to return may be it.
 */
export function claim(
  step: Step,
  actor: Actor,
  request: ClaimRequest,
): { readonly tasks: Task[]; readonly more: boolean } {
  for (let sweeps = 1;; sweeps++) {
    const { more } = step.sweep();
    const heads = best(step, request);
    if (more && heads.length < request.count && sweeps < SWEEPS) continue;
    const tasks = heads.map((row) => take(step, actor, row, request.leaseMs));
    return { tasks, more: more && tasks.length === 0 };
  }
}

function take(step: Step, actor: Actor, row: TaskRow, leaseMs = specOf(row).leaseMs): Task {
  const { tx } = step;
  const fence = tx.nextFence();
  beginAttempt(row, { holder: actor.name, fence, leaseMs, nowMs: tx.nowMs });
  step.save(row, "pending");
  emit(tx, "task.claimed", row.id, actor.name, { fence });
  return toTask(step.tx, row);
}

function best(step: Step, { tags, match, count }: ClaimRequest): TaskRow[] {
  const { tx } = step;
  if (tags.length === 0) {
    return tx.all<TaskRow>(
      count === 1 ? HEAD : `${QUEUE} LIMIT ${count}`,
    );
  }
  const ranks = match === "any" || tags.length === 1
    ? ranksOfAny(step, tags, count)
    : ranksOfAll(step, tags, count);
  return ranks.map((rank) => tx.get<TaskRow>(BY_SEQ, seqOfRank(rank))!);
}

/** The best ranks that carry at least one of the tags: merged from the heads of each. */
function ranksOfAny(step: Step, tags: readonly string[], count: number): number[] {
  const ranks = new Set<number>();
  for (const tag of tags) {
    for (const rank of ranksFrom(step, tag, 0, count)) ranks.add(rank);
  }
  return [...ranks].sort((a, b) => a - b).slice(0, count);
}

/** The best ranks that carry every tag: each tag in turn leaps to the next rank it may share. */
function ranksOfAll(step: Step, tags: readonly string[], count: number): number[] {
  const shared: number[] = [];
  let candidate = 0;
  let agreed = 0;
  for (let turn = 0; shared.length < count; turn++) {
    const [rank] = ranksFrom(step, tags[turn % tags.length]!, candidate, 1);
    if (rank === undefined) break;
    agreed = rank === candidate ? agreed + 1 : 1;
    candidate = rank;
    if (agreed < tags.length) continue;
    shared.push(candidate);
    candidate += 1;
    agreed = 0;
  }
  return shared;
}

function ranksFrom(step: Step, tag: string, from: number, count: number): number[] {
  return step.tx.all<{ rank: number }>(
    `SELECT rank FROM task_tags WHERE tag = ? AND rank >= ? ORDER BY rank LIMIT ${count}`,
    tag,
    from,
  ).map(({ rank }) => rank);
}
