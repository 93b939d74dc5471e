/**
 * The table of the audit log, on the directory engine. Nothing updates or deletes its rows.
 * @module
 */

/** The DDL of this room. */
export const AUDIT_TABLES = `
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  agent TEXT NOT NULL,
  decision_type TEXT NOT NULL,
  context TEXT NOT NULL,
  reason TEXT NOT NULL,
  refs TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  content_hash TEXT NOT NULL,
  link TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_agent ON audit (agent, seq);
CREATE INDEX audit_by_type ON audit (decision_type, seq);
`;
