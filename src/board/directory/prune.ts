/**
 * Removing threads that last changed long ago, on the directory engine.
 *
 * The oldest replies of a thread go first and its opening last. A thread that one operation cannot remove as a whole is
 * out of sight from that operation on, so that nobody finds, or revives, one without some of its replies; it counts as
 * removed then. Whatever stops the operations, the next prune begins with what is left. Its `reply_count` stays: by it
 * the rows of its words are numbered.
 * @module
 */
import { given } from "../../given.ts";
import { emit } from "../../event/directory/append.ts";
import type { PrunedPortion } from "../../prune.ts";
import type { Actor } from "../../engine/actor.ts";
import { parseRowTexts } from "../../engine/directory/row_json.ts";
import type { Reader, Transaction } from "../../engine/directory/transaction.ts";
import { recipientsOf, textOf } from "../draft.ts";
import { REMOVING } from "./tables.ts";
import { facetsOf, removeWords, unfileThread } from "./lookup.ts";
import type { PruneRequest } from "../store.ts";
import { THREADS_PRUNED_AT_ONCE, type ThreadStatus } from "../thread.ts";
import { wordsIn } from "../words.ts";

/** How many messages one operation removes, and how many characters of text; the last message may go beyond. */
const MESSAGES_AT_ONCE = 200;
const CHARS_AT_ONCE = 65_536;
/** How many messages are read at a time. */
const CHUNK = 8;

interface OldThread {
  seq: number;
  id: string;
  title: string;
  author: string;
  tags: string;
  status: ThreadStatus | typeof REMOVING;
  reply_count: number;
  created_at_ms: number;
  updated_at_ms: number;
}

interface OldMessage {
  seq: number;
  id: string;
  author: string;
  message: string;
  addressees: string;
}

/** What is left of an operation's share of work. */
interface Budget {
  messages: number;
  chars: number;
}

/** Removes those of the next threads that last changed before the instant. */
export function prune(
  tx: Transaction,
  { name }: Actor,
  { statuses, olderThanMs, after, dryRun }: PruneRequest,
): PrunedPortion {
  const beforeMs = tx.nowMs - olderThanMs;
  const budget = { messages: MESSAGES_AT_ONCE, chars: CHARS_AT_ONCE };
  if (!dryRun && !removeBegun(tx, budget)) return { pruned: 0, next: after };
  const threads = nextThreads(tx, statuses, after);
  const removed: OldThread[] = [];
  let next = threads.length === THREADS_PRUNED_AT_ONCE ? threads.at(-1)!.seq : undefined;
  for (const thread of threads) {
    // Later ones were opened later, and so have changed later, too.
    if (thread.created_at_ms >= beforeMs) {
      next = undefined;
      break;
    }
    if (thread.updated_at_ms >= beforeMs) continue;
    if (!dryRun && isSpent(budget)) {
      next = thread.seq - 1;
      break;
    }
    removed.push(thread);
    if (dryRun) continue;
    hide(tx, thread);
    if (!removeThread(tx, thread, budget)) {
      next = thread.seq;
      break;
    }
  }
  if (!dryRun) {
    for (const [status, group] of Map.groupBy(removed, (thread) => thread.status)) {
      tx.count(`threads:${status}`, -group.length);
      emit(tx, "thread.pruned", status, name, { count: group.length, olderThanMs });
    }
  }
  return { pruned: removed.length, ...given({ next }) };
}

function nextThreads(
  reader: Reader,
  statuses: readonly OldThread["status"][],
  after: number,
): readonly OldThread[] {
  const ranges = statuses.map((status) =>
    `SELECT seq, id, title, author, tags, status, reply_count, created_at_ms, updated_at_ms
     FROM threads WHERE status = '${status}' AND seq > ?1`
  );
  const sql = `${ranges.join(" UNION ALL ")} ORDER BY seq LIMIT ?2 + 0`;
  return reader.all<OldThread>(sql, after, THREADS_PRUNED_AT_ONCE);
}

/** Goes on where earlier operations left off; whether all of that is done. */
function removeBegun(tx: Transaction, budget: Budget): boolean {
  return nextThreads(tx, [REMOVING], 0).every((thread) => removeThread(tx, thread, budget));
}

/** Takes the thread out of sight: nothing leads to it any more. */
function hide(tx: Transaction, { seq, id, author, tags, status }: OldThread): void {
  unfileThread(tx, seq, status, facetsOf({ author, tags: parseRowTexts(tags, `thread ${id}`) }));
  tx.run("UPDATE threads SET status = ?, key = NULL WHERE seq = ?", REMOVING, seq);
}

/** Whether all of the thread is gone now; otherwise the operation has done its share. */
function removeThread(tx: Transaction, thread: OldThread, budget: Budget): boolean {
  const { count } = tx.get<{ count: number }>(
    "SELECT count(*) AS count FROM messages WHERE thread = ? AND seq > ?",
    thread.seq,
    thread.seq,
  )!;
  // The replies that are left are the newest, and places are counted up to the newest.
  let place = thread.reply_count - count;
  for (;;) {
    const replies = tx.all<OldMessage>(
      `SELECT seq, id, author, message, addressees FROM messages
       WHERE thread = ? AND seq > ? ORDER BY seq LIMIT ${CHUNK}`,
      thread.seq,
      thread.seq,
    );
    for (const reply of replies) {
      if (isSpent(budget)) return false;
      removeMessage(tx, thread, { ...reply, place: ++place }, budget);
    }
    if (replies.length < CHUNK) break;
  }
  if (isSpent(budget)) return false;
  const opening = tx.get<OldMessage>(
    "SELECT seq, id, author, message, addressees FROM messages WHERE seq = ?",
    thread.seq,
  )!;
  removeMessage(tx, thread, { ...opening, place: 0 }, budget);
  tx.run("DELETE FROM threads WHERE seq = ?", thread.seq);
  return true;
}

function isSpent({ messages, chars }: Budget): boolean {
  return messages <= 0 || chars <= 0;
}

/** Takes a message out of its thread, the inboxes and the search. */
function removeMessage(
  tx: Transaction,
  thread: OldThread,
  { seq, id, author, message, addressees, place }: OldMessage & { readonly place: number },
  budget: Budget,
): void {
  const text = textOf(message, place === 0 ? thread.title : "");
  removeWords(tx, thread.seq, place, wordsIn(text));
  const recipients = recipientsOf(text, parseRowTexts(addressees, `message ${id}`), author);
  for (const { name } of recipients) {
    tx.run("DELETE FROM inbox WHERE agent = ? AND message = ?", name, seq);
  }
  // Whose newer replies are left would be a member again by writing again; mostly they are going, too.
  tx.run("DELETE FROM thread_members WHERE agent = ? AND thread = ?", author, thread.seq);
  tx.run("DELETE FROM messages WHERE seq = ?", seq);
  budget.messages--;
  budget.chars -= text.length;
}
