/**
 * The schema of the directory database that stands in for a server: that of every directory store, with a journal of
 * what is changed. Such a database is made for one outage and removed after it, so there is only the newest version.
 * @module
 */
import type { Schema } from "../../engine/directory/schema.ts";

/** The schema; a test computes its digest anew. */
export const OUTAGE_SCHEMA: Schema = {
  digests: ["2d943d9ccae1d18c827cbf1b8016f27b41bdca0102d2210580b677970051bc91"],
  migrations: async () => {
    const [{ MIGRATIONS }, { JOURNAL_TABLE }, { LOCK_JOURNAL }] = await Promise.all([
      import("../migrations.ts"),
      import("../../engine/directory/journal.ts"),
      import("../../lock/directory/journal.ts"),
    ]);
    return [[...MIGRATIONS, JOURNAL_TABLE, LOCK_JOURNAL].join("\n")];
  },
};
