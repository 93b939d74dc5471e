/**
 * The tables of tasks and of those who wait for them, on the directory engine.
 *
 * A claim and a completion rewrite one row and as few indexes as possible: the queue's own
 * (`tasks_ready`), and that of the held tasks (`tasks_held`), which is as small as the number of agents at
 * work. The other indexes hold only what stands aside, and cost the hot path nothing.
 * @module
 */

/**
 * One row of `tasks` is one task.
 *
 * - `seq`: its place in the order of creation; `rank`: its place in the queue, see `rankOf`.
 * - `holder`: NULL unless it is claimed. `fence`: of the newest attempt, 0 before the first.
 * - `due_at_ms`: when its lease lapses or its time comes; NULL unless it is claimed or scheduled.
 * - `lease_ms`, `started_at_ms`, `progress`: of the attempt under way.
 * - `spent`: attempts that count; `waits_for`: dependencies that are not completed.
 * - `attempts`: the ended ones, as JSON, oldest first. `result`, `payload`: JSON.
 * - `spec`: the rest of what its creator said, as JSON; see `StoredSpec`.
 *
 * `task_tags` has the tags of pending tasks only; `task_links` every dependency not completed yet.
 */
export const TASK_TABLES = `
CREATE TABLE tasks (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  key TEXT,
  status TEXT NOT NULL,
  rank INTEGER NOT NULL,
  due_at_ms INTEGER,
  holder TEXT,
  fence INTEGER NOT NULL,
  lease_ms INTEGER NOT NULL,
  started_at_ms INTEGER,
  spent INTEGER NOT NULL,
  max_attempts INTEGER NOT NULL,
  waits_for INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  tags TEXT NOT NULL,
  progress TEXT,
  attempts TEXT NOT NULL,
  result TEXT,
  spec TEXT NOT NULL,
  payload TEXT
) STRICT;
CREATE UNIQUE INDEX tasks_by_id ON tasks (id);
CREATE UNIQUE INDEX tasks_by_key ON tasks (key) WHERE key IS NOT NULL;
CREATE INDEX tasks_ready ON tasks (rank) WHERE status = 'pending';
CREATE INDEX tasks_held ON tasks (holder, due_at_ms) WHERE holder IS NOT NULL;
CREATE INDEX tasks_later ON tasks (due_at_ms) WHERE status = 'scheduled';
CREATE INDEX tasks_aside ON tasks (status, seq)
  WHERE status = 'scheduled' OR status = 'blocked' OR status = 'dead' OR status = 'cancelled';
CREATE TABLE task_tags (
  tag TEXT NOT NULL,
  rank INTEGER NOT NULL,
  PRIMARY KEY (tag, rank)
) STRICT, WITHOUT ROWID;
CREATE TABLE task_links (
  on_seq INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (on_seq, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE task_waiters (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  bell TEXT NOT NULL,
  tags TEXT NOT NULL,
  match TEXT NOT NULL,
  seen_at_ms INTEGER NOT NULL
) STRICT;
`;
