/**
 * The triggers that journal which locks were changed, in a database that stands in for another store. Who waits is not
 * journaled: it is read as a whole.
 * @module
 */
import { type JournaledKind, journalTriggers } from "../../engine/directory/journal.ts";

/** What the journal calls leases on locks. */
export const LOCK_KIND = "lock";

/** The DDL. A key is the JSON of a lease's path and fence. */
export const LOCK_JOURNAL: string = journalTriggers(
  "locks",
  LOCK_KIND,
  (row) => `json_array(${row}.path, ${row}.fence)`,
);

/** How they are shown. */
export const LOCK_KINDS: readonly JournaledKind[] = [{
  kind: LOCK_KIND,
  record: "lock",
  subject: "journal.key ->> 0",
  isRemoved:
    "NOT EXISTS (SELECT 1 FROM locks WHERE path = journal.key ->> 0 AND fence = journal.key ->> 1)",
}];
