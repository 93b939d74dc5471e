/**
 * How a message reaches the inboxes it belongs to, on the directory engine.
 *
 * Nothing is written per reader unless it has to be:
 *
 * - A message that names agents leaves one row for each of them; their number is bounded.
 * - A reply marks those members of its thread that had read everything. Members with something unread
 *   there are marked already, so each mark is paid for by an earlier acknowledgement.
 * - A thread of high priority writes nothing: every inbox looks into the one index of such threads, from
 *   its cursor on.
 *
 * Acknowledging removes rows and marks, and moves the cursor. The first look of an agent sets the cursor to
 * its registration; from then on it outlasts departures and new registrations under the same name.
 * @module
 */
import { registeredAt } from "../../agent/directory/touch.ts";
import { AWAITED_TOPICS, listen, notify } from "../../event/directory/append.ts";
import type { Reader, Transaction } from "../../engine/directory/transaction.ts";
import type { Message, MessageReason, ThreadPriority } from "../thread.ts";
import type { Recipient } from "../store.ts";
import { REMOVING } from "./tables.ts";

/** Characters of messages that one operation reads, about; and how many messages it reads at a time. */
const LOADED_CHARS = 1_048_576;
const LOADED_AT_ONCE = 16;
/** Whom a message for everybody wakes. */
const EVERYBODY = "inbox:*";

/** One message to deliver. */
export interface Delivery {
  /** The message's number. */
  readonly seq: number;
  /** The thread's number; equal to `seq` for the message that opens it. */
  readonly thread: number;
  readonly author: string;
  readonly priority: ThreadPriority;
  readonly recipients: readonly Recipient[];
}

/** Puts a message that was just stored into the inboxes, and wakes those who wait. */
export function deliver(
  tx: Transaction,
  { seq, thread, author, priority, recipients }: Delivery,
): void {
  for (const { name, reason } of recipients) {
    tx.run("INSERT INTO inbox VALUES (?, ?, ?)", name, seq, reason);
    notify(tx, topicOf(name));
  }
  if (seq !== thread) markMembers(tx, seq, thread, author);
  else if (priority === "high") notify(tx, EVERYBODY);
  tx.run("INSERT INTO thread_members VALUES (?, ?, NULL) ON CONFLICT DO NOTHING", author, thread);
}

function markMembers(tx: Transaction, seq: number, thread: number, author: string): void {
  // Few of many members wait: only those are looked up one by one.
  const waiting = tx.all<{ topic: string }>(
    `SELECT DISTINCT l.topic FROM thread_members AS m JOIN ${AWAITED_TOPICS} AS l
     ON l.topic = 'inbox:' || m.agent
     WHERE m.thread = ? AND m.unread_from IS NULL AND m.agent <> ?`,
    thread,
    author,
  );
  tx.run(
    `UPDATE thread_members SET unread_from = ?
     WHERE thread = ? AND unread_from IS NULL AND agent <> ?`,
    seq,
    thread,
    author,
  );
  for (const { topic } of waiting) notify(tx, topic);
}

/** The next message for `agent` wakes `waker`. */
export function awaitMessage(tx: Transaction, agent: string, waker: string): void {
  listen(tx, topicOf(agent), waker);
  listen(tx, EVERYBODY, waker);
}

/** One unread message, by its number. */
export interface Unread {
  readonly seq: number;
  readonly reason: MessageReason;
}

/** The oldest unread messages of `agent`, in order. */
export function unread(tx: Transaction, agent: string, limit: number): readonly Unread[] {
  const reasons = new Map<number, MessageReason>();
  const add = (seqs: readonly number[], reason: MessageReason) => {
    for (const seq of seqs) if (!reasons.has(seq)) reasons.set(seq, reason);
  };
  for (const { seq, reason } of addressed(tx, agent, limit)) add([seq], reason);
  add(unreadReplies(tx, agent, limit), "reply");
  add(unreadUrgent(tx, agent, limit), "high_priority");
  // Each source gave its first ones, so the first ones of all are among them.
  const seqs = [...reasons.keys()].sort((a, b) => a - b).slice(0, limit);
  return seqs.map((seq) => ({ seq, reason: reasons.get(seq)! }));
}

/** The oldest unread messages that name `agent`, in order. */
export function addressed(reader: Reader, agent: string, limit: number): readonly Unread[] {
  return reader.all<{ message: number; reason: MessageReason }>(
    "SELECT message, reason FROM inbox WHERE agent = ? ORDER BY message LIMIT ? + 0",
    agent,
    limit,
  ).map(({ message, reason }) => ({ seq: message, reason }));
}

/** Others' messages in the threads where `agent` has something unread: the first `limit` of all. */
function unreadReplies(reader: Reader, agent: string, limit: number): number[] {
  const threads = reader.all<{ thread: number; unread_from: number }>(
    `SELECT thread, unread_from FROM thread_members
     WHERE agent = ? AND unread_from IS NOT NULL ORDER BY unread_from LIMIT ? + 0`,
    agent,
    limit,
  );
  let first: number[] = [];
  let end = Number.MAX_SAFE_INTEGER;
  for (const { thread, unread_from: from } of threads) {
    if (from > end) break;
    const rows = reader.all<{ seq: number }>(
      `SELECT seq FROM messages WHERE thread = ? AND seq BETWEEN ? AND ? AND author <> ?
       ORDER BY seq LIMIT ? + 0`,
      thread,
      from,
      end,
      agent,
      limit,
    );
    for (const { seq } of rows) first.push(seq);
    // Sorted only now and then, as there may be a thousand threads.
    if (first.length < limit * 2) continue;
    first = first.sort((a, b) => a - b).slice(0, limit);
    end = first.at(-1)!;
  }
  return first;
}

/** Others' high-priority threads past the agent's cursor. */
function unreadUrgent(tx: Transaction, agent: string, limit: number): number[] {
  const cursor = cursorOf(tx, agent);
  const rows = tx.all<{ seq: number }>(
    `SELECT seq FROM threads INDEXED BY threads_high
     WHERE priority = 'high' AND created_at_ms >= ? AND seq > ? AND author <> ?
       AND status <> '${REMOVING}'
     ORDER BY created_at_ms, seq LIMIT ? + 0`,
    cursor.at_ms,
    cursor.message,
    agent,
    limit,
  );
  if (rows.length === 0) passUrgent(tx, agent, cursor);
  return rows.map(({ seq }) => seq);
}

/** Moves the cursor past the agent's own threads of high priority, so that each is passed over only once. */
function passUrgent(tx: Transaction, agent: string, cursor: CursorRow): void {
  const newest = tx.get<{ at_ms: number }>(
    `SELECT created_at_ms AS at_ms FROM threads INDEXED BY threads_high
     WHERE priority = 'high' ORDER BY created_at_ms DESC LIMIT 1`,
  );
  if (newest === undefined || newest.at_ms <= cursor.at_ms) return;
  tx.run("UPDATE inbox_cursors SET at_ms = ? WHERE agent = ?", newest.at_ms, agent);
}

/** How far the agent has read: a message's number and instant. */
interface CursorRow {
  message: number;
  at_ms: number;
}

/** The agent's cursor; set to its registration when it has none yet. */
function cursorOf(tx: Transaction, agent: string): CursorRow {
  const cursor = tx.get<CursorRow>(
    "SELECT message, at_ms FROM inbox_cursors WHERE agent = ?",
    agent,
  );
  if (cursor !== undefined) return cursor;
  const start = { message: 0, at_ms: registeredAt(tx, agent) ?? tx.nowMs };
  tx.run("INSERT INTO inbox_cursors VALUES (?, ?, ?)", agent, start.message, start.at_ms);
  return start;
}

interface UnreadRow {
  seq: number;
  id: string;
  thread_id: string;
  title: string;
  author: string;
  message: string;
  priority: ThreadPriority;
  at_ms: number;
}

/**
 * These messages, as many as one operation should read, and how many of the numbers that took: one that was removed
 * meanwhile is passed over.
 */
export function loadUnread(
  reader: Reader,
  wanted: readonly Unread[],
): { readonly messages: readonly Message[]; readonly looked: number } {
  const reasons = new Map(wanted.map(({ seq, reason }) => [seq, reason]));
  const messages: Message[] = [];
  let looked = 0;
  for (let chars = 0; looked < wanted.length && chars < LOADED_CHARS;) {
    const chunk = wanted.slice(looked, looked + LOADED_AT_ONCE);
    looked += chunk.length;
    for (const row of load(reader, chunk.map(({ seq }) => seq))) {
      chars += row.message.length;
      messages.push({
        id: row.id,
        threadId: row.thread_id,
        title: row.title,
        author: row.author,
        message: row.message,
        reason: reasons.get(row.seq)!,
        priority: row.priority,
        atMs: row.at_ms,
      });
    }
  }
  return { messages, looked };
}

function load(reader: Reader, seqs: readonly number[]): UnreadRow[] {
  return reader.all<UnreadRow>(
    `SELECT m.seq, m.id, t.id AS thread_id, t.title, m.author, m.message, t.priority, m.at_ms
     FROM json_each(?) AS wanted
     JOIN messages AS m ON m.seq = wanted.value JOIN threads AS t ON t.seq = m.thread
     ORDER BY m.seq`,
    JSON.stringify(seqs),
  );
}

/** Counts every message up to number `seq` as read by `agent`. */
export function acknowledge(tx: Transaction, agent: string, seq: number): void {
  const cursor = cursorOf(tx, agent);
  if (seq <= cursor.message) return;
  const message = tx.get<{ at_ms: number }>("SELECT at_ms FROM messages WHERE seq = ?", seq);
  tx.run("DELETE FROM inbox WHERE agent = ? AND message <= ?", agent, seq);
  tx.run(
    `UPDATE thread_members SET unread_from = (
       SELECT m.seq FROM messages AS m
       WHERE m.thread = thread_members.thread AND m.seq > ?1 AND m.author <> ?2
       ORDER BY m.seq LIMIT 1)
     WHERE agent = ?2 AND unread_from <= ?1`,
    seq,
    agent,
  );
  tx.run(
    "UPDATE inbox_cursors SET message = ?, at_ms = ? WHERE agent = ?",
    seq,
    // The newest message may have been removed: what comes next is not older than this operation.
    Math.max(message?.at_ms ?? tx.nowMs, cursor.at_ms),
    agent,
  );
}

function topicOf(agent: string): string {
  return `inbox:${agent}`;
}
