/**
 * The tables of the board and the inboxes, on the directory engine.
 *
 * Messages are numbered 1, 2, 3 … across the namespace; a thread's number is that of its opening message.
 * @module
 */

/**
 * `thread_facets` finds threads by author and by tag within one status. A row of `inbox` is one unread
 * message that names its reader. A row of `thread_members` is an agent that wrote in a thread;
 * `unread_from` is the first message of somebody else's it has not read since. `board_words` holds each
 * message's words in the row numbered by {@linkcode WORDS_SHIFT}; the text itself is not kept twice.
 */
export const BOARD_TABLES = `
CREATE TABLE threads (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  key TEXT,
  title TEXT NOT NULL,
  author TEXT NOT NULL,
  priority TEXT NOT NULL,
  tags TEXT NOT NULL,
  status TEXT NOT NULL,
  reply_count INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX threads_by_key ON threads (key) WHERE key IS NOT NULL;
CREATE INDEX threads_by_status ON threads (status, seq);
CREATE INDEX threads_high ON threads (created_at_ms, seq) WHERE priority = 'high';
CREATE TABLE thread_facets (
  facet TEXT NOT NULL,
  status TEXT NOT NULL,
  thread INTEGER NOT NULL,
  PRIMARY KEY (facet, status, thread)
) STRICT, WITHOUT ROWID;
CREATE TABLE messages (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  key TEXT,
  thread INTEGER NOT NULL,
  author TEXT NOT NULL,
  message TEXT NOT NULL,
  addressees TEXT NOT NULL,
  at_ms INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX messages_by_key ON messages (key) WHERE key IS NOT NULL;
CREATE INDEX messages_by_thread ON messages (thread, seq);
CREATE TABLE inbox (
  agent TEXT NOT NULL,
  message INTEGER NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (agent, message)
) STRICT, WITHOUT ROWID;
CREATE TABLE thread_members (
  agent TEXT NOT NULL,
  thread INTEGER NOT NULL,
  unread_from INTEGER,
  PRIMARY KEY (agent, thread)
) STRICT, WITHOUT ROWID;
CREATE INDEX thread_members_unread ON thread_members (agent, unread_from)
  WHERE unread_from IS NOT NULL;
CREATE INDEX thread_members_up_to_date ON thread_members (thread) WHERE unread_from IS NULL;
CREATE TABLE inbox_cursors (
  agent TEXT PRIMARY KEY,
  message INTEGER NOT NULL,
  at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE VIRTUAL TABLE board_words USING fts5(
  words, content = '', detail = none, columnsize = 0, tokenize = 'ascii'
);
`;

/**
 * The status of a thread that is removed in several operations. It counts as gone: no list has it, and neither its
 * identifier nor its key leads to it.
 */
export const REMOVING = "removing";

/**
 * A row of `board_words` is numbered `thread * 2^22 + place in the thread`, so that all words of a thread
 * stand together, newest thread last. That leaves room for 2^31 messages within the integers that
 * JavaScript has exactly.
 */
export const WORDS_SHIFT = 22;
