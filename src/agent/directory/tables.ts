/**
 * The table of agents, on the directory engine. A row with `gone_at_ms` is one that deregistered; one
 * without `registration` is known by its acts alone.
 * @module
 */

/** The DDL of this room. The index by heartbeat holds all that counting by status reads. */
export const AGENT_TABLES = `
CREATE TABLE agents (
  name TEXT PRIMARY KEY,
  id TEXT NOT NULL,
  registration TEXT,
  role TEXT NOT NULL,
  working_on TEXT NOT NULL,
  status TEXT NOT NULL,
  tags TEXT NOT NULL,
  host TEXT NOT NULL,
  pid INTEGER,
  ttl_ms INTEGER NOT NULL,
  registered_at_ms INTEGER NOT NULL,
  last_heartbeat_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  gone_at_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX agents_by_heartbeat ON agents (last_heartbeat_at_ms, status, gone_at_ms)
  WHERE gone_at_ms IS NULL;
CREATE INDEX agents_gone ON agents (gone_at_ms) WHERE gone_at_ms IS NOT NULL;
`;

/** Where an agent that was spawned can be found, as JSON; a migration adds it. */
export const AGENT_WORKERS = `
ALTER TABLE agents ADD COLUMN worker TEXT;
`;
