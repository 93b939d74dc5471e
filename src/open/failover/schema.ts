/**
 * The schema of the directory database that stands in for a server: that of every directory store, with a journal of
 * what is changed. Such a database is made for one outage and removed after it, so there is only the newest version.
 * @module
 */
import type { Schema } from "../../engine/directory/schema.ts";

/** The schema; a test computes its digest anew. */
export const OUTAGE_SCHEMA: Schema = {
  digests: ["cd897656947fe05db22e516e919da0c9336f1f97cd85a97dda86943dcc19b088"],
  migrations: async () => {
    const [{ MIGRATIONS }, { JOURNAL_TABLE }, { LOCK_JOURNAL }, { TASK_JOURNAL }] = await Promise
      .all([
        import("../migrations.ts"),
        import("../../engine/directory/journal.ts"),
        import("../../lock/directory/journal.ts"),
        import("../../task/directory/journal.ts"),
      ]);
    return [[...MIGRATIONS, JOURNAL_TABLE, LOCK_JOURNAL, TASK_JOURNAL].join("\n")];
  },
};
