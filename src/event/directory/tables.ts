/**
 * The tables of the event stream and of those who wait for something, on the directory engine.
 * @module
 */

/** The DDL of this room. */
export const EVENT_TABLES = `
CREATE TABLE events (
  seq INTEGER PRIMARY KEY,
  type TEXT NOT NULL,
  subject TEXT NOT NULL,
  agent TEXT,
  at_ms INTEGER NOT NULL,
  data TEXT
) STRICT;
CREATE TABLE listeners (
  topic TEXT NOT NULL,
  bell TEXT NOT NULL,
  seen_at_ms INTEGER NOT NULL,
  PRIMARY KEY (topic, bell)
) STRICT, WITHOUT ROWID;
`;
