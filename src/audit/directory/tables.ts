/**
 * The table of the audit log, on the directory engine. Nothing updates or deletes its rows, so `seq` counts
 * from 1 without a gap; the store's count `audit` says how many there are.
 * @module
 */

/** The DDL of this room. */
export const AUDIT_TABLES = `
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  key TEXT,
  agent TEXT NOT NULL,
  decision_type TEXT NOT NULL,
  context TEXT NOT NULL,
  reason TEXT NOT NULL,
  refs TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  content_hash TEXT NOT NULL,
  link TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX audit_by_key ON audit (key) WHERE key IS NOT NULL;
CREATE INDEX audit_by_agent ON audit (agent, seq);
CREATE INDEX audit_by_type ON audit (decision_type, seq);
CREATE INDEX audit_by_time ON audit (created_at_ms);
`;
