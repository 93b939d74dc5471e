/**
 * The schema of the directory store, version by version. Loaded only to create a store or to bring an
 * older one forward.
 * @module
 */
import { AGENT_TABLES, AGENT_WORKERS } from "../agent/directory/tables.ts";
import { APPROVAL_TABLES } from "../approval/directory/tables.ts";
import { AUDIT_TABLES } from "../audit/directory/tables.ts";
import { BOARD_TABLES } from "../board/directory/tables.ts";
import { EVENT_TABLES } from "../event/directory/tables.ts";
import { LOCK_NAMES, LOCK_TABLES, LOCK_TASKS } from "../lock/directory/tables.ts";
import { TASK_ATTEMPTS, TASK_HELD_UP, TASK_TABLES } from "../task/directory/tables.ts";

/** What every operation uses: the store's clock, the counters and the number of commits. */
const ENGINE_TABLES = `
CREATE TABLE state (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  now_ms INTEGER NOT NULL,
  fence INTEGER NOT NULL,
  event INTEGER NOT NULL,
  commits INTEGER NOT NULL,
  counts TEXT NOT NULL
) STRICT;
INSERT INTO state VALUES (1, 0, 0, 0, 0, '{}');
`;

/** From where the store's clock goes on while the host's is behind it; see store_clock.ts. */
const CLOCK_ANCHOR = `
ALTER TABLE state ADD COLUMN anchor_now_ms INTEGER;
ALTER TABLE state ADD COLUMN anchor_wall_ms INTEGER;
ALTER TABLE state ADD COLUMN anchor_uptime_ms INTEGER;
`;

/**
 * Entry N brings a database from version N to N + 1. An entry that was released never changes: what comes
 * later is a new entry. Its count is `SCHEMA_VERSION` in schema.ts.
 */
export const MIGRATIONS: readonly string[] = [
  [
    ENGINE_TABLES,
    EVENT_TABLES,
    AGENT_TABLES,
    LOCK_TABLES,
    TASK_TABLES,
    BOARD_TABLES,
    APPROVAL_TABLES,
    AUDIT_TABLES,
  ].join("\n"),
  LOCK_NAMES,
  CLOCK_ANCHOR,
  TASK_ATTEMPTS,
  AGENT_WORKERS,
  LOCK_TASKS + TASK_HELD_UP,
];
