/**
 * The queue of those who wait for locks, on the directory engine.
 *
 * A request is granted when no live lease and no earlier live waiter conflicts with it. Whoever ends a
 * lease calls the first waiters that it may free, by their bells. A called waiter that does not come
 * within {@linkcode CALL_MS}, or any waiter not seen for {@linkcode SILENCE_MS}, no longer stands in
 * anybody's way.
 * @module
 */
import { pathsConflict } from "../../path.ts";
import type { Actor } from "../../engine/actor.ts";
import type { Reader, Transaction } from "../../engine/directory/transaction.ts";
import type { LockMode } from "../model.ts";
import { modesConflict, namesOf, overlapping } from "./rows.ts";
import type { AcquireRequest } from "../store.ts";
import { parseRowTexts } from "../../engine/directory/row_json.ts";

/** How long a called waiter has the right to be first. */
export const CALL_MS = 250;
/** A waiter looks at the store every second; unseen for this long it is dead or frozen. */
const SILENCE_MS = 5000;
/** Waiters looked at when a lease ends. */
const CALLS = 64;

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

/** The place of the waiter with this identifier. */
export function findWaiter(reader: Reader, id: string): WaiterRow | undefined {
  return reader.get<WaiterRow>("SELECT * FROM lock_waiters WHERE id = ?", id);
}

/** The first waiters that `path` concerns, in the order they came. */
export function waitersOn(reader: Reader, path: string): WaiterRow[] {
  const places = overlapping<{ path: string; seq: number }>(reader, "lock_waiter_paths", path);
  const seqs = [...new Set(places.map(({ seq }) => seq))].sort((a, b) => a - b).slice(0, CALLS);
  return seqs.flatMap((seq) => {
    const row = reader.get<WaiterRow>("SELECT * FROM lock_waiters WHERE seq = ?", seq);
    return row === undefined ? [] : [row];
  });
}

/** Whether others have to wait behind this waiter now. */
export function standsInLine(waiter: WaiterRow, nowMs: number): boolean {
  if (nowMs - waiter.seen_at_ms > SILENCE_MS) return false;
  return waiter.called_at_ms === null || nowMs - waiter.called_at_ms <= CALL_MS;
}

/** Puts a waiter at the end of the queue, or notes that one already in it still lives. */
export function queue(
  tx: Transaction,
  actor: Actor,
  { paths, aliases, mode }: AcquireRequest,
  { id, bell }: { readonly id: string; readonly bell: string },
  place: WaiterRow | undefined,
): void {
  if (place !== undefined) {
    const sql = "UPDATE lock_waiters SET seen_at_ms = ?, called_at_ms = NULL WHERE seq = ?";
    tx.run(sql, tx.nowMs, place.seq);
    return;
  }
  const names = paths.flatMap((path) => namesOf(path, aliases));
  tx.run(
    "INSERT INTO lock_waiters (id, agent, mode, paths, bell, seen_at_ms) VALUES (?, ?, ?, ?, ?, ?)",
    id,
    actor.name,
    mode,
    JSON.stringify(names),
    bell,
    tx.nowMs,
  );
  const { seq } = findWaiter(tx, id)!;
  for (const name of names) tx.run("INSERT INTO lock_waiter_paths VALUES (?, ?)", name, seq);
  tx.count("lock_waiters", 1);
}

/** Takes a waiter out of the queue. */
export function removeWaiter(tx: Transaction, seq: number): void {
  tx.run("DELETE FROM lock_waiters WHERE seq = ?", seq);
  tx.run("DELETE FROM lock_waiter_paths WHERE seq = ?", seq);
  tx.count("lock_waiters", -1);
}

/**
 * Calls the waiters that may go now that `paths` changed: in order, each one that no earlier one keeps
 * back. Dead ones drop out on the way.
 */
export function callWaiters(tx: Transaction, paths: readonly string[]): void {
  if (!tx.counts.lock_waiters) return;
  const earlier: { paths: string[]; mode: LockMode }[] = [];
  const waiters = new Map(
    paths.flatMap((path) => waitersOn(tx, path)).map((row) => [row.seq, row]),
  );
  for (const [seq, waiter] of [...waiters].sort(([a], [b]) => a - b)) {
    if (tx.nowMs - waiter.seen_at_ms > SILENCE_MS) {
      removeWaiter(tx, seq);
      continue;
    }
    // Called before and never came: it keeps its place, but nobody waits for it.
    if (!standsInLine(waiter, tx.nowMs)) continue;
    const wanted = parseRowTexts(waiter.paths, "a waiter for locks");
    const keptBack = earlier.some((other) =>
      modesConflict(other.mode, waiter.mode) &&
      other.paths.some((path) => wanted.some((mine) => pathsConflict(path, mine)))
    );
    if (!keptBack && !tx.ring(waiter.bell)) {
      removeWaiter(tx, seq);
      continue;
    }
    earlier.push({ paths: wanted, mode: waiter.mode });
    if (!keptBack && waiter.called_at_ms === null) {
      tx.run("UPDATE lock_waiters SET called_at_ms = ? WHERE seq = ?", tx.nowMs, seq);
    }
  }
}
