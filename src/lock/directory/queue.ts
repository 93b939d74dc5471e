/**
 * The queue of those who wait for locks, on the directory engine.
 *
 * A request is granted when no live lease and no earlier live waiter conflicts with it. Whoever ends a
 * lease calls the first waiters that it may free, by their wakers. A called waiter that does not come
 * within {@linkcode CALL_MS}, or any waiter not seen for {@linkcode SILENCE_MS}, no longer stands in
 * anybody's way.
 * @module
 */
import { lockPathAncestors } from "../../path.ts";
import type { Actor } from "../../engine/actor.ts";
import type { Reader, Transaction } from "../../engine/directory/transaction.ts";
import {
  CALL_MS,
  type LockMode,
  LOOKS_WITHIN_MS,
  SILENCE_MS,
  WAITER_NAMES_LOOKED_AT,
  WAITERS_LOOKED_AT,
} from "../model.ts";
import { letInBehind } from "../../task/directory/held_up.ts";
import { modesConflict, namesOf, waitersOverlapping } from "./rows.ts";
import type { AcquireRequest } from "../store.ts";
import { parseRowTexts } from "../../engine/directory/row_json.ts";

/** Who asks for a place: the waiter's identifier, and the waker of its process. */
export interface Applicant {
  readonly id: string;
  readonly waker: string;
}

/** One place in the queue. */
export interface WaiterRow {
  seq: number;
  id: string;
  agent: string;
  mode: LockMode;
  paths: string;
  bell: string;
  seen_at_ms: number;
  called_at_ms: number | null;
}

/** How many waiters are read at a time, behind the first: each may want a thousand names. */
const LARGER_PORTION = 8;

/** The place of the waiter with this identifier. */
export function findWaiter(reader: Reader, id: string): WaiterRow | undefined {
  return reader.get<WaiterRow>("SELECT * FROM lock_waiters WHERE id = ?", id);
}

/** A waiter with the names that it wants. */
export interface Waiter extends WaiterRow {
  readonly names: readonly string[];
}

/**
 * The first waiters that these names concern, in the order they came; only those before `before`, if it is given. They
 * are read in portions, as they are asked for: who is kept back mostly is by the first.
 */
export function* waitersOn(
  reader: Reader,
  names: readonly string[],
  before = Infinity,
): Generator<Waiter, void, undefined> {
  const all = new Set(names.flatMap((name) => waitersOverlapping(reader, name, WAITERS_LOOKED_AT)));
  const seqs = [...all].filter((seq) => seq < before).sort((a, b) => a - b)
    .slice(0, WAITERS_LOOKED_AT);
  let looked = 0;
  for (let from = 0, size = 1; from < seqs.length; from += size, size = LARGER_PORTION) {
    const portion = seqs.slice(from, from + size);
    for (const row of waitersAt(reader, portion)) {
      if (looked > WAITER_NAMES_LOOKED_AT) return;
      const wanted = parseRowTexts(row.paths, "a waiter for locks");
      yield { ...row, names: wanted };
      looked += wanted.length;
    }
  }
}

function waitersAt(reader: Reader, seqs: readonly number[]): WaiterRow[] {
  const marks = seqs.map(() => "?").join(", ");
  return reader.all<WaiterRow>(
    `SELECT * FROM lock_waiters WHERE seq IN (${marks}) ORDER BY seq`,
    ...seqs,
  );
}

/** Whether others have to wait behind this waiter now. */
export function isInWay(waiter: WaiterRow, nowMs: number): boolean {
  if (nowMs - waiter.seen_at_ms > SILENCE_MS) return false;
  return waiter.called_at_ms === null || nowMs - waiter.called_at_ms <= CALL_MS;
}

/** Puts a waiter at the end of the queue, or notes that one already in it still lives. */
export function queue(
  tx: Transaction,
  actor: Actor,
  { paths, aliases, mode }: AcquireRequest,
  { id, waker }: Applicant,
  place: WaiterRow | undefined,
): void {
  if (place !== undefined) return keepPlace(tx, place, waker);
  const names = paths.flatMap((path) => namesOf(path, aliases));
  joinQueue(tx, { id, waker }, { agent: actor.name, mode, names });
}

/** Notes that a waiter in the queue still lives, and how to wake it from now on; without a waker as in {@linkcode joinQueue}. */
export function keepPlace(tx: Transaction, { seq }: WaiterRow, waker: string): void {
  const sql = "UPDATE lock_waiters SET bell = ?, seen_at_ms = ?, called_at_ms = NULL WHERE seq = ?";
  tx.run(sql, waker, tx.nowMs, seq);
}

/** Puts a waiter at the end of the queue. Without a waker it is taken to live until its process looks. */
export function joinQueue(
  tx: Transaction,
  { id, waker }: Applicant,
  { agent, mode, names }: Pick<Waiter, "agent" | "mode" | "names">,
): void {
  tx.run(
    "INSERT INTO lock_waiters (id, agent, mode, paths, bell, seen_at_ms) VALUES (?, ?, ?, ?, ?, ?)",
    id,
    agent,
    mode,
    JSON.stringify(names),
    waker,
    tx.nowMs,
  );
  const { seq } = findWaiter(tx, id)!;
  for (const name of names) tx.run("INSERT INTO lock_waiter_paths VALUES (?, ?)", name, seq);
  tx.count("lock_waiters", 1);
}

/** Takes a waiter out of the queue. */
export function removeWaiter(tx: Transaction, seq: number): void {
  tx.run("DELETE FROM lock_waiters WHERE seq = ?", seq);
  const rows = tx.all<{ path: string }>(
    "DELETE FROM lock_waiter_paths WHERE seq = ? RETURNING path",
    seq,
  );
  tx.count("lock_waiters", -1);
  letInBehind(tx, rows.map(({ path }) => path));
}

/**
 * Calls the waiters that may go now that `paths` changed: in order, each one that no earlier one keeps
 * back. Dead ones drop out on the way.
 */
export function callWaiters(tx: Transaction, paths: readonly string[]): void {
  if (!tx.counts.lock_waiters) return;
  const wanted = new Wanted();
  for (const waiter of waitersOn(tx, paths)) {
    const { seq, mode, names } = waiter;
    if (tx.nowMs - waiter.seen_at_ms > SILENCE_MS) {
      removeWaiter(tx, seq);
      continue;
    }
    // Called before and never came: it keeps its place, but nobody waits for it.
    if (!isInWay(waiter, tx.nowMs)) continue;
    const keptBack = wanted.keepBack(names, mode);
    if (!keptBack && waiter.bell !== "" && !tx.wake(waiter.bell)) {
      removeWaiter(tx, seq);
      continue;
    }
    wanted.add(names, mode);
    if (!keptBack && waiter.called_at_ms === null) {
      const calledAtMs = waiter.bell === ""
        ? Math.max(tx.nowMs, waiter.seen_at_ms + LOOKS_WITHIN_MS)
        : tx.nowMs;
      tx.run("UPDATE lock_waiters SET called_at_ms = ? WHERE seq = ?", calledAtMs, seq);
    }
  }
}

/** What waiters want, looked up by name: each may want a thousand paths. */
class Wanted {
  readonly #names = { exclusive: new Set<string>(), shared: new Set<string>() };
  /** The names, and every name over them. */
  readonly #over = { exclusive: new Set<string>(), shared: new Set<string>() };

  add(names: readonly string[], mode: LockMode): void {
    for (const name of names) {
      this.#names[mode].add(name);
      for (const over of [name, ...lockPathAncestors(name)]) this.#over[mode].add(over);
    }
  }

  /** Whether somebody who wants these in that mode is kept back by one of those before. */
  keepBack(names: readonly string[], mode: LockMode): boolean {
    const modes = (["exclusive", "shared"] as const).filter((other) => modesConflict(other, mode));
    return modes.some((other) =>
      names.some((name) =>
        this.#over[other].has(name) ||
        lockPathAncestors(name).some((over) => this.#names[other].has(over))
      )
    );
  }
}
