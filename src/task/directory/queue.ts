/**
 * Taking tasks from the queue, on the directory engine.
 *
 * The queue is the index of pending tasks in the order of their rank; `task_tags` has the same order for
 * each tag. A claim reads the head of the queue, or the heads of the tags it asks for, and never a task
 * that it does not take, but for those that it finds held up: it moves them aside.
 *
 * The number of rows stands in the statement itself: SQLite plans a statement anew each time a bound limit
 * changes hands, which costs more than all the rest of a claim.
 * @module
 */
import { emit } from "../../event/directory/append.ts";
import type { Actor } from "../../engine/actor.ts";
import { CANDIDATES_LOOKED_AT, SWEEPS_OF_A_CLAIM, TAGGED_LOOKED_AT, type Task } from "../model.ts";
import { handoff, putAside } from "./attempts.ts";
import { holdUp, TASKS_HELD_UP } from "./held_up.ts";
import { lockPaths, obstacle, pathsOf } from "./paths.ts";
import {
  beginAttempt,
  COLUMNS,
  HELD_UP_RANKS,
  seqOfRank,
  specOf,
  type TaskRow,
  toTask,
} from "./rows.ts";
import type { TaskOperation } from "./operation.ts";
import type { ClaimRequest } from "../store.ts";

/** The queue, best task first. */
const QUEUE = `SELECT ${COLUMNS} FROM tasks INDEXED BY tasks_live
  WHERE status = 'pending' AND holder IS NULL AND rank < ${HELD_UP_RANKS} ORDER BY rank`;
const HEAD = `${QUEUE} LIMIT 1`;

const BY_SEQ = `SELECT ${COLUMNS} FROM tasks WHERE seq = ?`;

/** What an operation that looks for tasks got. */
export interface Claimed {
  readonly tasks: Task[];
  /** Nothing was found, but what is left to return to the queue may be it. */
  readonly more: boolean;
  /** Nothing was found, but not all was looked at: the rank behind which to go on, -1 at the beginning. */
  readonly place?: number | undefined;
}

/**
 * Claims the best tasks that qualify, after returning to the queue what has come back to it.
 *
 * @param place where an earlier operation of the same call left off
 */
export function claim(
  operation: TaskOperation,
  actor: Actor,
  request: ClaimRequest,
  place = -1,
): Claimed {
  for (let sweeps = 1;; sweeps++) {
    const { more } = operation.sweep();
    const found = best(operation, request, place);
    const { rows, goOn } = found;
    if (more && rows.length < request.count && goOn === undefined && sweeps < SWEEPS_OF_A_CLAIM) {
      continue;
    }
    const { tasks, tooMany } = takeBest(operation, actor, request, { rows, place });
    if (tasks.length > 0) return { tasks, more: false };
    return { tasks, more, place: tooMany ? place : goOn };
  }
}

/** Claims these rows, the best that qualify, and goes on with the next best where some are held up. */
function takeBest(
  operation: TaskOperation,
  actor: Actor,
  request: ClaimRequest,
  { rows: first, place }: { readonly rows: readonly TaskRow[]; readonly place: number },
): { readonly tasks: Task[]; readonly tooMany: boolean } {
  const { tx } = operation;
  const tasks: Task[] = [];
  let looked = 0;
  for (let rows = first;;) {
    let hasChanged = false;
    for (const row of rows) {
      const paths = pathsOf(row);
      if (paths.length > 0) looked++;
      const found = paths.length === 0 ? undefined : obstacle(tx, row);
      if (found === undefined) {
        tasks.push(take(operation, actor, row, request.leaseMs));
      } else {
        const { id, rank } = row;
        holdUp(tx, { id, rank, tags: specOf(row).tags }, found.by, found.byClaim);
        operation.forget(row);
      }
      // Another may have come in its place, and be better than those behind it.
      hasChanged = found !== undefined || paths.length > 0 && (tx.counts[TASKS_HELD_UP] ?? 0) > 0;
      if (hasChanged) break;
    }
    const count = request.count - tasks.length;
    if (!hasChanged || count === 0) return { tasks, tooMany: false };
    if (looked >= CANDIDATES_LOOKED_AT) return { tasks, tooMany: tasks.length === 0 };
    rows = best(operation, { ...request, count }, place).rows;
  }
}

function take(
  operation: TaskOperation,
  actor: Actor,
  row: TaskRow,
  leaseMs = specOf(row).leaseMs ?? row.lease_ms,
): Task {
  const { tx } = operation;
  const fence = tx.nextFence();
  putAside(tx, row);
  beginAttempt(row, { holder: actor.name, fence, leaseMs, nowMs: tx.nowMs });
  lockPaths(tx, row);
  operation.save(row, "pending");
  emit(tx, "task.claimed", row.id, actor.name, { fence });
  return toTask(tx, row, { before: handoff(tx, row) });
}

/** The best tasks; fewer than asked for are all there are, unless the look goes on behind a rank. */
interface Best {
  readonly rows: readonly TaskRow[];
  readonly goOn?: number | undefined;
}

function best(operation: TaskOperation, { tags, match, count }: ClaimRequest, place: number): Best {
  const { tx } = operation;
  if (tags.length === 0) {
    return { rows: tx.all<TaskRow>(count === 1 ? HEAD : `${QUEUE} LIMIT ${count}`) };
  }
  const { ranks, goOn } = match === "any" || tags.length === 1
    ? { ranks: ranksOfAny(operation, tags, count) }
    : ranksOfAll(operation, tags, count, place);
  return { rows: ranks.map((rank) => tx.get<TaskRow>(BY_SEQ, seqOfRank(rank))!), goOn };
}

/** The best ranks that carry at least one of the tags: merged from the heads of each. */
function ranksOfAny(operation: TaskOperation, tags: readonly string[], count: number): number[] {
  const ranks = new Set<number>();
  for (const tag of tags) {
    for (const rank of ranksFrom(operation, tag, 0, count)) ranks.add(rank);
  }
  return [...ranks].sort((a, b) => a - b).slice(0, count);
}

/**
 * The best ranks behind `place` that carry every tag. The rarest tag has them all; where it has many that lack
 * the others, an operation looks at a bounded number of them.
 */
function ranksOfAll(
  { tx }: TaskOperation,
  tags: readonly string[],
  count: number,
  place: number,
): { readonly ranks: number[]; readonly goOn?: number | undefined } {
  const sizes = tags.map((tag) => {
    const { n } = tx.get<{ n: number }>(
      `SELECT COUNT(*) n FROM (
         SELECT 1 FROM task_tags WHERE tag = ? AND rank < ${HELD_UP_RANKS} LIMIT ${TAGGED_LOOKED_AT})`,
      tag,
    )!;
    return { tag, n };
  });
  const [rarest, ...others] = sizes.sort((a, b) => a.n - b.n).map(({ tag }) => tag);
  const portion =
    `SELECT rank FROM task_tags WHERE tag = ?1 AND rank > ?2 AND rank < ${HELD_UP_RANKS}
    ORDER BY rank`;
  const ranks = tx.all<{ rank: number }>(
    `SELECT rank FROM (${portion} LIMIT ${TAGGED_LOOKED_AT}) AS some
     WHERE ${
      others.map((_, n) =>
        `EXISTS (SELECT 1 FROM task_tags WHERE tag = ?${n + 3} AND rank = some.rank)`
      ).join(" AND ")
    } ORDER BY rank LIMIT ${count}`,
    rarest!,
    place,
    ...others,
  ).map(({ rank }) => rank);
  if (ranks.length === count) return { ranks };
  const last = tx.get<{ rank: number }>(
    `${portion} LIMIT 1 OFFSET ${TAGGED_LOOKED_AT - 1}`,
    rarest!,
    place,
  );
  return { ranks, goOn: last?.rank };
}

function ranksFrom(operation: TaskOperation, tag: string, from: number, count: number): number[] {
  return operation.tx.all<{ rank: number }>(
    `SELECT rank FROM task_tags WHERE tag = ? AND rank >= ? AND rank < ${HELD_UP_RANKS}
     ORDER BY rank LIMIT ${count}`,
    tag,
    from,
  ).map(({ rank }) => rank);
}
