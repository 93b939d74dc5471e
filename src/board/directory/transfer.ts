/**
 * The board on its way out of a directory.
 * @module
 */
import { given } from "../../given.ts";
import { journaled, settle } from "../../engine/directory/journal.ts";
import { parseRowTexts } from "../../engine/directory/row_json.ts";
import type { Engine, Reader } from "../../engine/directory/transaction.ts";
import type { ChangedPortion, PortionLimit, Source } from "../../transfer.ts";
import { recipientsOf, textOf } from "../draft.ts";
import type { ThreadPriority, ThreadStatus } from "../thread.ts";
import type { MovedMessage, MovedReader, MovedThread, ThreadRecord } from "../transfer.ts";
import {
  JOURNALED_MESSAGES,
  JOURNALED_READERS,
  JOURNALED_THREADS,
  REMOVED_THREADS,
} from "./journal.ts";
import { REMOVING } from "./tables.ts";

/** In the order in which they are told. */
const KINDS = [JOURNALED_MESSAGES, JOURNALED_THREADS, REMOVED_THREADS, JOURNALED_READERS] as const;
type Kind = typeof KINDS[number];

/** How many threads of high priority one agent is told to have read; it sees the others again. */
const MOST_READ = 500;

interface ThreadRow {
  seq: number;
  id: string;
  key: string | null;
  title: string;
  author: string;
  priority: ThreadPriority;
  tags: string;
  status: ThreadStatus;
  reply_count: number;
  created_at_ms: number;
  updated_at_ms: number;
}

interface MessageRow {
  seq: number;
  id: string;
  key: string | null;
  thread: number;
  author: string;
  message: string;
  addressees: string;
  at_ms: number;
}

/** One record, or a part of the one before it, and about how long it is. */
interface Told {
  readonly record: ThreadRecord;
  readonly bytes: number;
}

/** The board of a database that stands in for another store, and has the journal of the board. */
export class DirectoryBoardTransfer implements Source<ThreadRecord> {
  readonly #engine: Engine;

  /** Uses the engine's transactions. */
  constructor(engine: Engine) {
    this.#engine = engine;
  }

  changed(limit: PortionLimit): Promise<ChangedPortion<ThreadRecord>> {
    return this.#engine.read((reader) => changed(reader, limit));
  }

  settle(keys: readonly (string | number)[]): Promise<void> {
    return this.#engine.write(undefined, (tx) => {
      for (const key of keys.map(String)) {
        const end = key.indexOf(" ");
        const kind = key.slice(0, end) as Kind;
        const of = key.slice(end + 1);
        const isNumber = kind === JOURNALED_MESSAGES || kind === JOURNALED_THREADS;
        settle(tx, kind, [isNumber ? Number(of) : of]);
      }
    });
  }

  /** Of those that were removed, the ones not settled yet stay: a server may have got an older memory back. */
  markAll(): Promise<void> {
    return this.#engine.write(undefined, (tx) => {
      const mark = (kind: Kind, rows: string) =>
        tx.run(
          `INSERT INTO journal (kind, key) SELECT ?, ${rows} WHERE true ON CONFLICT DO NOTHING`,
          kind,
        );
      mark(JOURNALED_MESSAGES, "seq FROM messages");
      mark(JOURNALED_THREADS, "seq FROM threads");
      mark(JOURNALED_READERS, "agent FROM inbox_cursors");
    });
  }
}

/** Changes of the first kind of which there are any. */
function changed(reader: Reader, limit: PortionLimit): ChangedPortion<ThreadRecord> {
  const records: ThreadRecord[] = [];
  const keys: string[] = [];
  for (const kind of KINDS) {
    let bytes = 0;
    for (const key of journaled<string | number>(reader, kind, limit.records)) {
      const told = tell(reader, kind, key);
      bytes += told?.bytes ?? 0;
      if (told !== undefined) {
        if (bytes > limit.bytes && records.length > 0) break;
        add(records, told.record);
      }
      keys.push(`${kind} ${key}`);
    }
    if (keys.length > 0) break;
  }
  const { n } = reader.get<{ n: number }>(
    `SELECT COUNT(*) AS n FROM (SELECT 1 FROM journal
     WHERE kind IN (SELECT value FROM json_each(?)) LIMIT ? + 0)`,
    JSON.stringify(KINDS),
    keys.length + 1,
  )!;
  return { records, keys, more: n > keys.length };
}

/** Messages of one thread that follow each other become one record. */
function add(records: ThreadRecord[], record: ThreadRecord): void {
  const last = records.at(-1);
  if (last === undefined || !("messages" in last) || !("messages" in record)) {
    records.push(record);
  } else if (last.id === record.id) {
    records[records.length - 1] = { ...last, messages: last.messages.concat(record.messages) };
  } else {
    records.push(record);
  }
}

function tell(reader: Reader, kind: Kind, key: string | number): Told | undefined {
  switch (kind) {
    case JOURNALED_MESSAGES:
      return tellMessage(reader, key as number);
    case JOURNALED_THREADS:
      return tellThread(reader, key as number);
    case REMOVED_THREADS:
      return { record: { removed: String(key) }, bytes: 0 };
    case JOURNALED_READERS: {
      const record = tellReader(reader, String(key));
      return record && { record, bytes: record.threads.join().length };
    }
  }
}

function tellMessage(reader: Reader, seq: number): Told | undefined {
  const row = reader.get<MessageRow>("SELECT * FROM messages WHERE seq = ?", seq);
  const thread = row && threadAt(reader, row.thread);
  if (row === undefined || thread === undefined) return undefined;
  const { id, author, message } = row;
  const opens = seq === row.thread;
  const to = parseRowTexts(row.addressees, `message ${id}`);
  const isUnread = (name: string) =>
    reader.get("SELECT 1 FROM inbox WHERE agent = ? AND message = ?", name, seq) !== undefined;
  const moved: MovedMessage = {
    id,
    opens,
    ...given({ key: row.key ?? undefined }),
    author,
    message,
    to,
    atMs: row.at_ms,
    recipients: recipientsOf(textOf(message, opens ? thread.title : ""), to, author)
      .map((recipient) => ({ ...recipient, unread: isUnread(recipient.name) })),
  };
  const bytes = message.length + row.addressees.length + thread.title.length;
  return { record: { ...thread, messages: [moved] }, bytes };
}

function tellThread(reader: Reader, seq: number): Told | undefined {
  const thread = threadAt(reader, seq);
  if (thread === undefined) return undefined;
  const rows = reader.all<{ name: string; unread_from: string | null }>(
    `SELECT p.agent AS name, u.id AS unread_from
     FROM (SELECT DISTINCT author FROM messages WHERE thread = ?1) AS a
     JOIN thread_members AS p ON p.agent = a.author AND p.thread = ?1
     LEFT JOIN messages AS u ON u.seq = p.unread_from`,
    seq,
  );
  const members = rows.map(({ name, unread_from: from }) => ({
    name,
    ...given({ unreadFrom: from ?? undefined }),
  }));
  return { record: { ...thread, members }, bytes: thread.title.length + members.length * 64 };
}

/** The thread without its messages, unless it is gone or being removed. */
function threadAt(reader: Reader, seq: number): MovedThread | undefined {
  const row = reader.get<ThreadRow>(
    `SELECT * FROM threads WHERE seq = ? AND status <> '${REMOVING}'`,
    seq,
  );
  return row && {
    id: row.id,
    ...given({ key: row.key ?? undefined }),
    title: row.title,
    author: row.author,
    priority: row.priority,
    tags: parseRowTexts(row.tags, `thread ${row.id}`),
    status: row.status,
    replyCount: row.reply_count,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
    messages: [],
  };
}

interface UrgentRow {
  id: string;
  seq: number;
  created_at_ms: number;
}

/** What the agent has read of others' threads of high priority: those before the first one it has not. */
function tellReader(reader: Reader, agent: string): MovedReader | undefined {
  const cursor = reader.get<{ message: number; at_ms: number }>(
    "SELECT message, at_ms FROM inbox_cursors WHERE agent = ?",
    agent,
  );
  if (cursor === undefined) return undefined;
  const rows = reader.all<UrgentRow>(
    `SELECT id, seq, created_at_ms FROM threads INDEXED BY threads_high
     WHERE priority = 'high' AND author <> ? AND status <> '${REMOVING}'
     ORDER BY created_at_ms, seq LIMIT ? + 0`,
    agent,
    MOST_READ + 1,
  );
  const unread = rows.find((row) => row.created_at_ms >= cursor.at_ms && row.seq > cursor.message);
  const end = unread ?? rows[MOST_READ];
  const beforeMs = end?.created_at_ms ?? (rows.at(-1)?.created_at_ms ?? 0) + 1;
  const read = rows.filter((row) => row.created_at_ms < beforeMs);
  if (read.length === 0) return undefined;
  return { reader: agent, beforeMs, threads: read.map(({ id }) => id) };
}
