/**
 * The operations on the board and the inboxes, on the directory engine.
 * @module
 */
import { emit } from "../../event/directory/append.ts";
import type { Actor } from "../../engine/actor.ts";
import type { Engine, Reader, Transaction } from "../../engine/directory/transaction.ts";
import type { LargestPortion } from "../../largest.ts";
import type { PrunedPortion } from "../../prune.ts";
import type { Message, Reply, Thread, ThreadCounts, ThreadStatus } from "../thread.ts";
import {
  acknowledge,
  addressed,
  awaitMessage,
  deliver,
  loadUnread,
  type Unread,
  unread,
} from "./delivery.ts";
import { facetsOf, fileThread, findThreads, indexWords, refile, searchThreads } from "./lookup.ts";
import { largestThread } from "./largest.ts";
import { prune } from "./prune.ts";
import type {
  BoardStore,
  InboxQuery,
  MessageDraft,
  PruneRequest,
  RepliesQuery,
  ReplyDraft,
  SearchQuery,
  ThreadDraft,
  ThreadList,
  ThreadQuery,
} from "../store.ts";
import { parseRowTexts } from "../../engine/directory/row_json.ts";
import { REMOVING } from "./tables.ts";

interface ThreadRow {
  seq: number;
  id: string;
  title: string;
  message: string;
  author: string;
  priority: Thread["priority"];
  tags: string;
  addressees: string;
  status: ThreadStatus;
  reply_count: number;
  created_at_ms: number;
  updated_at_ms: number;
}

interface MessageRow {
  seq: number;
  id: string;
  thread: number;
  author: string;
  message: string;
  addressees: string;
  at_ms: number;
}

/** {@linkcode BoardStore} on a directory. */
export class DirectoryBoard implements BoardStore {
  readonly #engine: Engine;

  /** Uses the engine's transactions. */
  constructor(engine: Engine) {
    this.#engine = engine;
  }

  post(actor: Actor, draft: ThreadDraft): Promise<Thread> {
    return this.#engine.write(actor, (tx) => {
      const known = tx.get<{ seq: number }>(
        "SELECT seq FROM threads WHERE id = ? UNION ALL SELECT seq FROM threads WHERE key = ?",
        draft.id,
        draft.key ?? null,
      );
      if (known !== undefined) return toThread(threadAt(tx, known.seq));
      return toThread(open(tx, actor, draft));
    });
  }

  reply(actor: Actor, draft: ReplyDraft): Promise<Thread | undefined> {
    return this.#engine.write(actor, (tx) => {
      const known = tx.get<MessageRow>(
        "SELECT * FROM messages WHERE id = ? UNION ALL SELECT * FROM messages WHERE key = ?",
        draft.id,
        draft.key ?? null,
      );
      if (known !== undefined) {
        const thread = findThread(tx, threadAt(tx, known.thread).id);
        if (thread !== undefined) return { ...toThread(thread), reply: toReply(known) };
        tx.run("UPDATE messages SET key = NULL WHERE seq = ?", known.seq);
      }
      const thread = findThread(tx, draft.threadId);
      if (thread === undefined) return undefined;
      const place = thread.reply_count + 1;
      const reply = append(tx, actor, draft, { ...thread, place, key: draft.key });
      emit(tx, "thread.replied", thread.id, actor.name, { messageId: draft.id });
      const status = draft.status ?? (thread.status === "resolved" ? "active" : thread.status);
      if (status === "resolved" && thread.status !== status) {
        emit(tx, "thread.resolved", thread.id, actor.name);
      }
      return { ...toThread(update(tx, thread, status, 1)), reply };
    });
  }

  resolve(actor: Actor, threadId: string): Promise<Thread | undefined> {
    return this.#engine.writeFreeing(actor, (tx) => {
      const thread = findThread(tx, threadId);
      if (thread === undefined || thread.status === "resolved") return thread && toThread(thread);
      emit(tx, "thread.resolved", threadId, actor.name);
      return toThread(update(tx, thread, "resolved", 0));
    });
  }

  get(threadId: string): Promise<Thread | undefined> {
    return this.#engine.read((reader) => {
      const row = findThread(reader, threadId);
      return row && toThread(row);
    });
  }

  show(
    threadId: string,
    { before, limit }: RepliesQuery,
  ): Promise<Thread | "unknown_reply" | undefined> {
    return this.#engine.read((reader) => {
      const thread = findThread(reader, threadId);
      if (thread === undefined) return undefined;
      const end = before === undefined
        ? Number.MAX_SAFE_INTEGER
        : placeOf(reader, before, thread.seq);
      if (end === undefined) return "unknown_reply";
      const rows = reader.all<MessageRow>(
        `SELECT * FROM messages WHERE thread = ? AND seq > ? AND seq < ?
         ORDER BY seq DESC LIMIT ? + 0`,
        thread.seq,
        thread.seq,
        end,
        limit,
      );
      return { ...toThread(thread), replies: rows.reverse().map(toReply) };
    });
  }

  list(query: ThreadQuery): Promise<ThreadList | undefined> {
    return this.#page(query, (reader, end, limit) => findThreads(reader, query, end, limit));
  }

  search(query: SearchQuery): Promise<ThreadList | undefined> {
    return this.#page(
      query,
      (reader, end, limit) => searchThreads(reader, query.words, end, limit),
    );
  }

  counts(): Promise<ThreadCounts> {
    return this.#engine.read(({ counts }) => ({
      active: counts["threads:active"] ?? 0,
      waiting: counts["threads:waiting"] ?? 0,
      resolved: counts["threads:resolved"] ?? 0,
    }));
  }

  largest(before: number | undefined): Promise<LargestPortion> {
    return this.#engine.read((reader) => largestThread(reader, before));
  }

  async inbox(actor: Actor, { limit, ack, waits }: InboxQuery): Promise<readonly Message[]> {
    const waker = waits ? await this.#engine.waker() : undefined;
    const part = await this.#engine.writeFreeing(actor, (tx) => {
      const found = unread(tx, actor.name, limit);
      if (found.length === 0 && waker !== undefined) awaitMessage(tx, actor.name, waker.id);
      const { messages, looked } = loadUnread(tx, found);
      const last = found[looked - 1];
      if (last !== undefined && ack) acknowledge(tx, actor.name, last.seq);
      // What is counted as read has been handed over: the next call begins with the rest.
      return { messages, rest: ack ? [] : found.slice(looked) };
    });
    return await this.#whole(part);
  }

  async addressed(name: string, limit: number): Promise<readonly Message[]> {
    const rest = await this.#engine.read((reader) => addressed(reader, name, limit));
    return await this.#whole({ messages: [], rest });
  }

  /** Puts together what one operation has no room for. */
  async #whole(
    { messages, rest }: { readonly messages: readonly Message[]; readonly rest: readonly Unread[] },
  ): Promise<readonly Message[]> {
    const all = [...messages];
    for (let left = rest; left.length > 0;) {
      const part = await this.#engine.read((reader) => loadUnread(reader, left));
      all.push(...part.messages);
      left = left.slice(part.looked);
    }
    return all;
  }

  ack(actor: Actor, upTo: string | undefined): Promise<boolean> {
    return this.#engine.writeFreeing(actor, (tx) => {
      const seq = upTo === undefined ? tx.counts.messages ?? 0 : placeOf(tx, upTo);
      if (seq === undefined) return false;
      acknowledge(tx, actor.name, seq);
      return true;
    });
  }

  prune(actor: Actor, request: PruneRequest): Promise<PrunedPortion> {
    return this.#engine.writeFreeing(actor, (tx) => prune(tx, actor, request));
  }

  /** One page of the threads that `find` gives, numbers below `end`, greatest first. */
  #page(
    { before, limit }: { readonly before?: string; readonly limit: number },
    find: (reader: Reader, end: number, limit: number) => readonly number[],
  ): Promise<ThreadList | undefined> {
    return this.#engine.read((reader) => {
      const end = before === undefined
        ? (reader.counts.messages ?? 0) + 1
        : findThread(reader, before)?.seq;
      if (end === undefined) return undefined;
      const seqs = find(reader, end, limit + 1);
      const threads = seqs.slice(0, limit).map((seq) => toThread(threadAt(reader, seq)));
      return { threads, more: seqs.length > limit };
    });
  }
}

const THREAD = `SELECT t.*, m.message, m.addressees
  FROM threads AS t JOIN messages AS m ON m.seq = t.seq`;

function findThread(reader: Reader, id: string): ThreadRow | undefined {
  return reader.get<ThreadRow>(`${THREAD} WHERE t.id = ? AND t.status <> '${REMOVING}'`, id);
}

function threadAt(reader: Reader, seq: number): ThreadRow {
  return reader.get<ThreadRow>(`${THREAD} WHERE t.seq = ?`, seq)!;
}

/** The number of a message; of this thread, when one is given. */
function placeOf(reader: Reader, id: string, thread?: number): number | undefined {
  const row = reader.get<Pick<MessageRow, "seq" | "thread">>(
    "SELECT seq, thread FROM messages WHERE id = ?",
    id,
  );
  return thread === undefined || row?.thread === thread ? row?.seq : undefined;
}

/** Opens a thread with its first message. */
function open(tx: Transaction, actor: Actor, draft: ThreadDraft): ThreadRow {
  const { id, title, priority, tags, opening, key } = draft;
  const seq = (tx.counts.messages ?? 0) + 1;
  tx.run(
    `INSERT INTO threads (seq, id, key, title, author, priority, tags, status, reply_count,
       created_at_ms, updated_at_ms)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'active', 0, ?8, ?8)`,
    seq,
    id,
    key ?? null,
    title,
    actor.name,
    priority,
    JSON.stringify(tags),
    tx.nowMs,
  );
  fileThread(tx, seq, "active", facetsOf({ author: actor.name, tags }));
  tx.count("threads:active", 1);
  append(tx, actor, opening, { seq, priority, place: 0 });
  emit(tx, "thread.posted", id, actor.name, { title, priority });
  return threadAt(tx, seq);
}

/** Stores a message at this place of the thread number `thread`, and delivers it. */
function append(
  tx: Transaction,
  { name: author }: Actor,
  { id, message, to, recipients, words }: MessageDraft,
  { seq: thread, priority, place, key }: {
    readonly seq: number;
    readonly priority: Thread["priority"];
    readonly place: number;
    readonly key?: string | undefined;
  },
): Reply {
  const seq = (tx.counts.messages ?? 0) + 1;
  tx.count("messages", 1);
  const row = {
    seq,
    id,
    thread,
    author,
    message,
    addressees: JSON.stringify(to),
    at_ms: tx.nowMs,
  };
  tx.run(
    `INSERT INTO messages (seq, id, key, thread, author, message, addressees, at_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    seq,
    id,
    key ?? null,
    thread,
    author,
    message,
    row.addressees,
    row.at_ms,
  );
  indexWords(tx, thread, place, words);
  deliver(tx, { seq, thread, author, priority, recipients });
  return toReply(row);
}

/** Gives the thread this status, and counts `replies` more. */
function update(
  tx: Transaction,
  thread: ThreadRow,
  status: ThreadStatus,
  replies: number,
): ThreadRow {
  const changed = {
    ...thread,
    status,
    reply_count: thread.reply_count + replies,
    updated_at_ms: tx.nowMs,
  };
  tx.run(
    "UPDATE threads SET status = ?, reply_count = ?, updated_at_ms = ? WHERE seq = ?",
    status,
    changed.reply_count,
    tx.nowMs,
    thread.seq,
  );
  if (status !== thread.status) {
    const facets = facetsOf({
      author: thread.author,
      tags: parseRowTexts(thread.tags, `thread ${thread.id}`),
    });
    refile(tx, thread.seq, { from: thread.status, to: status, facets });
    tx.count(`threads:${thread.status}`, -1);
    tx.count(`threads:${status}`, 1);
  }
  return changed;
}

function toThread(row: ThreadRow): Thread {
  return {
    id: row.id,
    title: row.title,
    message: row.message,
    author: row.author,
    priority: row.priority,
    tags: parseRowTexts(row.tags, `thread ${row.id}`),
    to: parseRowTexts(row.addressees, `thread ${row.id}`),
    status: row.status,
    replyCount: row.reply_count,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  };
}

function toReply({ id, author, message, addressees, at_ms: atMs }: MessageRow): Reply {
  const to = parseRowTexts(addressees, `message ${id}`);
  return { id, author, message, ...(to.length === 0 ? {} : { to }), atMs };
}
