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
import { LET_IN_AT_ONCE, STARVED_MS, STARVING_MOST } from "../model.ts";
import { HELD_UP_RANKS, queueRank, seqOfRank } from "./rows.ts";
import { wakeWaiters } from "./waiters.ts";

/** What holds tasks up. */
export interface Obstacle {
  readonly kind: "x" | "s" | "q" | "r";
  readonly name: string;
}

/** A pending task, and what a claim can ask for. */
export interface QueuedTask {
  readonly id: string;
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
/** The kind of a row whose name says since when its task is held up. */
const SINCE = "w";
/** The kind of a row whose name is the identifier of a task that starves: tasks behind it wait for it. */
const STARVING = "v";
const GROUPS = `kind NOT IN ('${MORE}', '${SINCE}', '${STARVING}')`;

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

/**
 * Moves a task aside that is in the queue and held up by this. Answers its rank from now on.
 *
 * @param byClaim whether a claim is behind it
 */
export function holdUp(
  tx: Transaction,
  task: QueuedTask,
  by: Obstacle,
  byClaim: boolean,
): number {
  const { id, rank, tags } = task;
  const known = heldUpBy(tx, rank);
  const sinceMs = known === undefined ? tx.nowMs : sinceOf(tx, rank);
  if (known === undefined || known.kind !== by.kind || known.name !== by.name) {
    leaveGroup(tx, task);
    insert(tx, by.kind, by.name, tagsKey(tags), rank);
    if (known === undefined) insert(tx, SINCE, String(sinceMs), "", rank);
    tx.count(TASKS_HELD_UP, 1);
  }
  move(tx, task, HELD_UP_RANKS + rank);
  // What is not a claim may last for long, and nobody should wait for it who need not.
  if (!byClaim) stopStarving(tx, id);
  else if (tx.nowMs - sinceMs >= STARVED_MS && starving(tx).length < STARVING_MOST) {
    insert(tx, STARVING, id, "", rank);
  }
  return HELD_UP_RANKS + rank;
}

/** Takes a task away from what holds it up: it is claimed or has changed. The next comes in its place. */
export function leaveHeldUp(tx: Transaction, task: QueuedTask): void {
  if (!tx.counts[TASKS_HELD_UP] || !leaveGroup(tx, task)) return;
  tx.run("DELETE FROM task_held_up WHERE kind = ? AND rank = ?", SINCE, queueRank(task.rank));
  stopStarving(tx, task.id);
}

/** The tasks that starve, by rank. */
export function starving(
  reader: Reader,
): readonly { readonly id: string; readonly rank: number }[] {
  return reader.all(
    "SELECT name AS id, rank FROM task_held_up WHERE kind = ? ORDER BY rank",
    STARVING,
  );
}

/** Takes a task out of its group; `false` when it is in none. */
function leaveGroup(tx: Transaction, { rank, tags }: QueuedTask): boolean {
  const by = heldUpBy(tx, queueRank(rank));
  if (by === undefined) return false;
  const key = tagsKey(tags);
  tx.run(
    "DELETE FROM task_held_up WHERE kind = ? AND name = ? AND tags = ? AND rank = ?",
    by.kind,
    by.name,
    key,
    queueRank(rank),
  );
  tx.count(TASKS_HELD_UP, -1);
  if (!isPassable(tx, by)) return true;
  const next = tx.get<HeldUpRow>(
    `SELECT tags, rank FROM task_held_up WHERE kind = ? AND name = ? AND tags = ?
     ORDER BY rank LIMIT 1`,
    by.kind,
    by.name,
    key,
  );
  if (next !== undefined) moveIn(tx, next);
  return true;
}

/** Ends what a starving task keeps others from. */
function stopStarving(tx: Transaction, id: string): void {
  const ended = tx.run("DELETE FROM task_held_up WHERE kind = ? AND name = ?", STARVING, id);
  if (ended > 0) letIn(tx, { kind: "r", name: id });
}

function insert(tx: Transaction, kind: string, name: string, tags: string, rank: number): void {
  tx.run("INSERT OR IGNORE INTO task_held_up VALUES (?, ?, ?, ?)", kind, name, tags, rank);
}

function sinceOf(reader: Reader, rank: number): number {
  const row = reader.get<{ name: string }>(
    "SELECT name FROM task_held_up WHERE rank = ? AND kind = ?",
    rank,
    SINCE,
  );
  return row === undefined ? reader.nowMs : Number(row.name);
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
    `SELECT kind, name FROM task_held_up WHERE rank = ? AND ${GROUPS}`,
    rank,
  );
}

/** Whether leases on this name let in whom others like them have held up. */
function isPassable(reader: Reader, { kind, name }: Obstacle): boolean {
  if (kind === "q") return true;
  if (kind === "r") return !starving(reader).some(({ id }) => id === name);
  return !liveNamed(reader, name).some(({ mode }) => kind === "s" || mode === "exclusive");
}

/** Lets a task into the queue, unless it is there. */
function moveIn(tx: Transaction, { tags: key, rank }: HeldUpRow): void {
  const tags = key === NO_TAGS ? [] : key.split(",");
  if (!move(tx, { rank: HELD_UP_RANKS + rank, tags }, rank)) return;
  wakeWaiters(tx, [{ tags }]);
}

/** Puts a task at another rank; `false` when it is not at the one that it is said to be at. */
function move(
  tx: Transaction,
  { rank, tags }: Pick<QueuedTask, "rank" | "tags">,
  to: number,
): boolean {
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
