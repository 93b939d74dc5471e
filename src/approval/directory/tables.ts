/**
 * The table of approvals, on the directory engine. `status` is what some operation has written: a pending row
 * past its `expires_at_ms` counts as expired for everyone, whether it has been swept or not.
 * @module
 */

/** The DDL of this room. */
export const APPROVAL_TABLES = `
CREATE TABLE approvals (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  key TEXT,
  action_type TEXT NOT NULL,
  description TEXT NOT NULL,
  digest TEXT,
  approvers TEXT,
  requested_by TEXT NOT NULL,
  status TEXT NOT NULL,
  decided_by TEXT,
  decided_at_ms INTEGER,
  comment TEXT,
  created_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  used_at_ms INTEGER
) STRICT;
CREATE UNIQUE INDEX approvals_by_key ON approvals (key) WHERE key IS NOT NULL;
CREATE INDEX approvals_by_status ON approvals (status, seq);
CREATE INDEX approvals_by_requester ON approvals (requested_by, status, seq);
CREATE INDEX approvals_pending ON approvals (expires_at_ms) WHERE status = 'pending';
`;
