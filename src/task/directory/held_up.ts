/**
 * Pending tasks that a claim found held up, because others have their paths, on the directory engine. Why it is done this
 * way is in ../paths.ts.
 *
 * What holds a task up is a kind and a name: `x` an exclusive lease that is kept on this name; `s` shared leases that are
 * kept on it, while the task wants to have it alone; `q` a waiter for a lock on it that came first. Of those with the same
 * tags one that is let in keeps its row until it is claimed or held up by something else: then the next one is let in. A
 * row whose kind is {@linkcode MORE} says that more are to be let in, from where on.
 *
 * As long as what holds them up lasts, none of them has to be looked at; once it has ended, the first of each tags is in
 * the queue.
 * @module
 */
import type { Reader, Transaction } from "../../engine/directory/transaction.ts";
import { liveNamed } from "../../lock/directory/rows.ts";
import { LET_IN_AT_ONCE } from "../model.ts";
import { HELD_UP_RANKS, queueRank, seqOfRank } from "./rows.ts";
import { wakeWaiters } from "./waiters.ts";

/** What holds tasks up. */
export interface Obstacle {
  readonly kind: "x" | "s" | "q";
  readonly name: string;
}

/** A pending task, and what a claim can ask for. */
export interface QueuedTask {
  readonly rank: number;
  readonly tags: readonly string[];
}

interface HeldUpRow {
  readonly tags: string;
  readonly rank: number;
}

/** Among the counts: tasks with a row; while there are none nobody pays for any of this. */
export const TASKS_HELD_UP = "task_held_up";
const MORE = "f";

/** Lets in whom a lease held up that was kept on these names and has ended. */
export function letInAfter(tx: Transaction, names: readonly string[]): void {
  if (!tx.counts[TASKS_HELD_UP]) return;
  for (const name of names) {
    for (const kind of ["x", "s"] as const) {
      if (isPassable(tx, { kind, name })) letIn(tx, { kind, name });
    }
  }
}

/** Lets in whom a waiter held up that wanted these names and is gone. */
export function letInBehind(tx: Transaction, names: readonly string[]): void {
  if (!tx.counts[TASKS_HELD_UP]) return;
  for (const name of names) letIn(tx, { kind: "q", name });
}

/** Lets in the first of each tags, behind some; of very many, later sweeps go on. */
export function letIn(tx: Transaction, { kind, name }: Obstacle, behind = ""): void {
  let after = behind;
  const next = () =>
    tx.get<HeldUpRow>(
      `SELECT tags, rank FROM task_held_up WHERE kind = ? AND name = ? AND tags > ?
       ORDER BY tags, rank LIMIT 1`,
      kind,
      name,
      after,
    );
  // No tags are a text that comes after none.
  for (let n = 0; n < LET_IN_AT_ONCE; n++) {
    const row = next();
    if (row === undefined) return;
    moveIn(tx, row);
    after = row.tags;
  }
  if (next() === undefined) return;
  tx.run(
    "INSERT OR IGNORE INTO task_held_up VALUES (?, ?, ?, 0)",
    MORE,
    JSON.stringify([kind, name]),
    after,
  );
}

/** Goes on where an operation had to leave off; whether there was something to go on with. */
export function letMoreIn(tx: Transaction): boolean {
  const row = tx.get<{ name: string; tags: string }>(
    "DELETE FROM task_held_up WHERE (kind, name, tags) IN (SELECT kind, name, tags FROM task_held_up WHERE kind = ? LIMIT 1) RETURNING name, tags",
    MORE,
  );
  if (row === undefined) return false;
  const [kind, name] = JSON.parse(row.name) as [Obstacle["kind"], string];
  letIn(tx, { kind, name }, row.tags);
  return true;
}

/** Moves a task aside that is in the queue and held up by this. Answers its rank from now on. */
export function holdUp(tx: Transaction, task: QueuedTask, by: Obstacle): number {
  const known = heldUpBy(tx, task.rank);
  if (known === undefined || known.kind !== by.kind || known.name !== by.name) {
    leaveHeldUp(tx, task);
    tx.run(
      "INSERT INTO task_held_up VALUES (?, ?, ?, ?)",
      by.kind,
      by.name,
      tagsKey(task.tags),
      task.rank,
    );
    tx.count(TASKS_HELD_UP, 1);
  }
  move(tx, task, HELD_UP_RANKS + task.rank);
  return HELD_UP_RANKS + task.rank;
}

/**
 * Takes a task away from what holds it up: it is claimed, has changed, or is held up by something else. The next comes in
 * its place.
 */
export function leaveHeldUp(tx: Transaction, { rank, tags }: QueuedTask): void {
  if (!tx.counts[TASKS_HELD_UP]) return;
  const by = heldUpBy(tx, queueRank(rank));
  if (by === undefined) return;
  const key = tagsKey(tags);
  tx.run(
    "DELETE FROM task_held_up WHERE kind = ? AND name = ? AND tags = ? AND rank = ?",
    by.kind,
    by.name,
    key,
    queueRank(rank),
  );
  tx.count(TASKS_HELD_UP, -1);
  if (!isPassable(tx, by)) return;
  const next = tx.get<HeldUpRow>(
    `SELECT tags, rank FROM task_held_up WHERE kind = ? AND name = ? AND tags = ?
     ORDER BY rank LIMIT 1`,
    by.kind,
    by.name,
    key,
  );
  if (next !== undefined) moveIn(tx, next);
}

/** The names that waiters hold tasks up by: the first few. */
export function waitersHoldingUp(reader: Reader, limit: number): string[] {
  return reader.all<{ name: string }>(
    "SELECT DISTINCT name FROM task_held_up WHERE kind = 'q' ORDER BY name LIMIT ? + 0",
    limit,
  ).map(({ name }) => name);
}

function heldUpBy(reader: Reader, rank: number): Obstacle | undefined {
  if (!reader.counts[TASKS_HELD_UP]) return undefined;
  return reader.get<Obstacle>(
    `SELECT kind, name FROM task_held_up WHERE rank = ? AND kind <> '${MORE}'`,
    rank,
  );
}

/** Whether leases on this name let in whom others like them have held up. */
function isPassable(reader: Reader, { kind, name }: Obstacle): boolean {
  if (kind === "q") return true;
  return !liveNamed(reader, name).some(({ mode }) => kind === "s" || mode === "exclusive");
}

/** Lets a task into the queue, unless it is there. */
function moveIn(tx: Transaction, { tags: key, rank }: HeldUpRow): void {
  const tags = key === NO_TAGS ? [] : key.split(",");
  if (!move(tx, { rank: HELD_UP_RANKS + rank, tags }, rank)) return;
  wakeWaiters(tx, [{ tags }]);
}

/** Puts a task at another rank; `false` when it is not at the one that it is said to be at. */
function move(tx: Transaction, { rank, tags }: QueuedTask, to: number): boolean {
  const moved = tx.run(
    "UPDATE tasks SET rank = ? WHERE seq = ? AND rank = ?",
    to,
    seqOfRank(rank),
    rank,
  );
  if (moved === 0) return false;
  for (const tag of tags) {
    tx.run("UPDATE task_tags SET rank = ? WHERE tag = ? AND rank = ?", to, tag, rank);
  }
  return true;
}

/** What stands for having no tags: a name has no such character, and it comes after none at all. */
const NO_TAGS = "-,";

function tagsKey(tags: readonly string[]): string {
  return tags.length === 0 ? NO_TAGS : tags.join();
}
