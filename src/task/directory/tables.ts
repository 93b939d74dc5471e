/**
 * The tables of tasks and of those who wait for them, on the directory engine.
 *
 * A claim and a completion rewrite one row and one index: `tasks_live`, which begins with the held tasks,
 * few as they are, and goes on with the queue (in this order NULL comes last). A claim moves an entry from
 * the head of the queue to the held ones just before it, mostly within one page, and the fewer pages an operation
 * changes, the faster it is. The other indexes hold only what stands aside, and cost the hot path nothing.
 * @module
 */

/**
 * One row of `tasks` is one task.
 *
 * - `seq`: its place in the order of creation; `rank`: its place in the queue, see `rankOf`.
 * - `holder`: NULL unless it is claimed.
 * - `due_at_ms`: when its lease lapses or its time comes; NULL unless it is claimed or scheduled.
 * - `worker`, `fence`, `started_at_ms`, `ended_at_ms`, `outcome`, `error`, `progress`: the newest attempt.
 *   Most tasks have one attempt and pay for no more. `attempts`: the older ones as JSON, oldest first, until
 *   {@linkcode TASK_ATTEMPTS}.
 * - `lease_ms`: length of the newest lease; `spent`: attempts that count; `waits_for`: dependencies that are
 *   not completed.
 * - `spec`: what its creator said, as JSON; see `StoredSpec`. `payload` and `result` are JSON of any depth,
 *   so no query looks into them. `description` and `payload` are in `task_texts` when they are long.
 *
 * `task_tags` has the tags of pending tasks only; `task_links` every dependency not completed yet, or
 * completed with dependents that still wait; see dependencies.ts.
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
  worker TEXT,
  started_at_ms INTEGER,
  ended_at_ms INTEGER,
  outcome TEXT,
  error TEXT,
  progress TEXT,
  attempts TEXT NOT NULL,
  spent INTEGER NOT NULL,
  waits_for INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  result TEXT,
  spec TEXT NOT NULL,
  description TEXT,
  payload TEXT
) STRICT;
CREATE UNIQUE INDEX tasks_by_id ON tasks (id);
CREATE UNIQUE INDEX tasks_by_key ON tasks (key) WHERE key IS NOT NULL;
CREATE INDEX tasks_live ON tasks (holder DESC, rank, due_at_ms)
  WHERE holder IS NOT NULL OR status = 'pending';
CREATE INDEX tasks_later ON tasks (due_at_ms) WHERE status = 'scheduled';
CREATE INDEX tasks_aside ON tasks (status, seq)
  WHERE status = 'scheduled' OR status = 'blocked' OR status = 'dead' OR status = 'cancelled';
CREATE TABLE task_texts (
  seq INTEGER PRIMARY KEY,
  description TEXT NOT NULL,
  payload TEXT
) STRICT;
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

/**
 * Each older attempt gets a row: `number` is its place among the attempts on the task, from 1 on, `attempt` is JSON.
 * `older` counts those there have ever been. What cannot be read stays with its task, and stays unreadable.
 */
export const TASK_ATTEMPTS = `
CREATE TABLE task_attempts (
  seq INTEGER NOT NULL,
  number INTEGER NOT NULL,
  attempt TEXT NOT NULL,
  PRIMARY KEY (seq, number)
) STRICT, WITHOUT ROWID;
INSERT INTO task_attempts
  SELECT tasks.seq, old.key + 1, coalesce(old.value, 'null') FROM tasks, json_each(
    iif(iif(json_valid(attempts), json_type(attempts), '') = 'array', attempts, json_array(json_array(attempts)))
  ) AS old
  WHERE attempts <> '[]';
ALTER TABLE tasks ADD COLUMN older INTEGER NOT NULL DEFAULT 0;
UPDATE tasks SET older = (SELECT COUNT(*) FROM task_attempts WHERE task_attempts.seq = tasks.seq)
  WHERE attempts <> '[]';
ALTER TABLE tasks DROP COLUMN attempts;
`;

/**
 * Pending tasks that a claim found held up, because others have their paths; see held_up.ts. `rank` is the task's rank in the
 * queue, `tags` are joined by commas.
 */
export const TASK_HELD_UP = `
CREATE TABLE task_held_up (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  tags TEXT NOT NULL,
  rank INTEGER NOT NULL,
  PRIMARY KEY (kind, name, tags, rank)
) STRICT, WITHOUT ROWID;
CREATE INDEX task_held_up_by_rank ON task_held_up (rank);
`;
