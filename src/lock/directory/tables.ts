/**
 * The tables of locks and of those who wait for them, on the directory engine.
 * @module
 */

/** One row of `locks` is one lease on one path; one of `lock_waiters` is one place in the queue. */
export const LOCK_TABLES = `
CREATE TABLE locks (
  path TEXT NOT NULL,
  fence INTEGER NOT NULL,
  holder TEXT NOT NULL,
  mode TEXT NOT NULL,
  intent TEXT NOT NULL,
  ttl_ms INTEGER NOT NULL,
  acquired_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  PRIMARY KEY (path, fence)
) STRICT, WITHOUT ROWID;
CREATE INDEX locks_by_holder ON locks (holder);
CREATE INDEX locks_by_expiry ON locks (expires_at_ms);
CREATE TABLE lock_waiters (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  agent TEXT NOT NULL,
  mode TEXT NOT NULL,
  paths TEXT NOT NULL,
  bell TEXT NOT NULL,
  seen_at_ms INTEGER NOT NULL,
  called_at_ms INTEGER
) STRICT;
CREATE TABLE lock_waiter_paths (
  path TEXT NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (path, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX lock_waiter_paths_by_seq ON lock_waiter_paths (seq);
`;

/**
 * Paths lose the slash at their end, which once distinguished directories from files, and leases get other names. Who
 * waits joins the queue again by itself.
 */
export const LOCK_NAMES = `
CREATE TABLE lock_aliases (
  alias TEXT NOT NULL,
  path TEXT NOT NULL,
  fence INTEGER NOT NULL,
  PRIMARY KEY (alias, path, fence)
) STRICT, WITHOUT ROWID;
CREATE INDEX lock_aliases_by_lease ON lock_aliases (path, fence);
UPDATE locks SET path = CASE path WHEN './' THEN '.' ELSE substr(path, 1, length(path) - 1) END
  WHERE path LIKE '%/' AND path <> '/';
DELETE FROM lock_waiters;
DELETE FROM lock_waiter_paths;
UPDATE state SET counts = json_remove(counts, '$.lock_waiters');
`;

/** Which task's claim took a lease; NULL of those that were acquired by themselves. */
export const LOCK_TASKS = `
ALTER TABLE locks ADD COLUMN task TEXT;
`;
