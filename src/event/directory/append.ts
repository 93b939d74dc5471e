/**
 * Appends to the event stream from inside another room's operation, on the directory engine.
 * @module
 */
import type { Transaction } from "../../engine/directory/transaction.ts";
import type { EventType } from "../model.ts";
import { EVENTS_KEPT } from "../model.ts";

/** How many appends share one trimming, so that most operations pay nothing for it. */
const TRIM_EVERY = 1000;
/** A listener nobody has called for this long is most likely dead; a live one listens again. */
const LISTENER_KEPT_MS = 24 * 60 * 60 * 1000;
/** The count of those who listen to every event: looked at by every operation, so it costs no query. */
const FOLLOWERS = "listening:events";

/** SQL for the topics that somebody waits on, each as `topic`: a table to join with. */
export const AWAITED_TOPICS = "(SELECT topic FROM listeners)";

/** Records that `type` happened to `subject`, in the same operation that made it happen. */
export function emit(
  tx: Transaction,
  type: EventType,
  subject: string,
  agent: string | undefined,
  data?: Readonly<Record<string, unknown>>,
): void {
  const seq = tx.nextEvent();
  const text = data === undefined ? null : JSON.stringify(data);
  tx.run(
    "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)",
    seq,
    type,
    subject,
    agent ?? null,
    tx.nowMs,
    text,
  );
  if (tx.counts[FOLLOWERS]) notify(tx, "events");
  if (seq % TRIM_EVERY === 0) trim(tx, seq);
}

/** Drops old events, and listeners on other topics that were never called (followers have just been). */
function trim(tx: Transaction, seq: number): void {
  const last = tx.get<{ seq: number }>("SELECT seq FROM events WHERE seq = ?", seq - EVENTS_KEPT) ??
    // The stream is shorter than that, or its numbers have a gap: then the events are counted.
    tx.get<{ seq: number }>(
      "SELECT seq FROM events ORDER BY seq DESC LIMIT 1 OFFSET ? + 0",
      EVENTS_KEPT,
    );
  if (last !== undefined) tx.run("DELETE FROM events WHERE seq <= ?", last.seq);
  tx.run("DELETE FROM listeners WHERE seen_at_ms < ?", tx.nowMs - LISTENER_KEPT_MS);
}

/**
 * Puts a waiter's waker on `topic`, so that the next {@linkcode notify} wakes it once. A waiter calls
 * this in the same operation that found nothing to return, so nothing can happen in between.
 */
export function listen(tx: Transaction, topic: string, waker: string): void {
  const added = tx.run(
    "INSERT INTO listeners VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    topic,
    waker,
    tx.nowMs,
  );
  if (topic === "events") tx.count(FOLLOWERS, added);
}

/** Wakes every waker on `topic` and takes them off: a waiter that still wants more listens again. */
export function notify(tx: Transaction, topic: string): void {
  const listeners = tx.all<{ bell: string }>("SELECT bell FROM listeners WHERE topic = ?", topic);
  if (listeners.length === 0) return;
  tx.run("DELETE FROM listeners WHERE topic = ?", topic);
  if (topic === "events") tx.count(FOLLOWERS, -listeners.length);
  for (const { bell } of listeners) tx.wake(bell);
}
