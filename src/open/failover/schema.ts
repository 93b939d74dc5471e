/**
 * The schema of the directory database that stands in for a server: that of every directory store, with a journal of
 * what is changed. Such a database is made for one outage and removed after it, so there is only the newest version.
 * @module
 */
import type { Schema } from "../../engine/directory/schema.ts";

/** The schema; a test computes its digest anew. */
export const OUTAGE_SCHEMA: Schema = {
  digests: ["a463e5b47d984ddfa9dbb0cc5621d83767e78ec4e67932e0245720a9d9df0225"],
  migrations: async () => {
    const [{ MIGRATIONS }, { JOURNAL_TABLE }, ...rooms] = await Promise.all([
      import("../migrations.ts"),
      import("../../engine/directory/journal.ts"),
      import("../../lock/directory/journal.ts").then((room) => room.LOCK_JOURNAL),
      import("../../task/directory/journal.ts").then((room) => room.TASK_JOURNAL),
      import("../../agent/directory/journal.ts").then((room) => room.AGENT_JOURNAL),
      import("../../audit/directory/journal.ts").then((room) => room.AUDIT_JOURNAL),
      import("../../event/directory/journal.ts").then((room) => room.EVENT_JOURNAL),
      import("../../board/directory/journal.ts").then((room) => room.BOARD_JOURNAL),
      import("../../approval/directory/journal.ts").then((room) => room.APPROVAL_JOURNAL),
    ]);
    return [[...MIGRATIONS, JOURNAL_TABLE, ...rooms].join("\n")];
  },
};
