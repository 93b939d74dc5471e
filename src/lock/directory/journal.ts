/**
 * The triggers that journal which locks were changed, in a database that stands in for another store. Who waits is not
 * journaled: it is read as a whole.
 * @module
 */
import { type JournaledKind, journalTriggers, NOTED } from "../../engine/directory/journal.ts";

/** What the journal calls leases on locks, keyed by the JSON of path and fence. */
export const LOCK_KIND = "lock";
/** What it calls those that ended, keyed by fence and path with a space between. */
export const ENDED_LOCK_KIND = "lock_ended";

/** The DDL. */
export const LOCK_JOURNAL: string = journalTriggers(
  "locks",
  LOCK_KIND,
  (row) => `json_array(${row}.path, ${row}.fence)`,
) +
  `CREATE TRIGGER journal_locks_ended AFTER DELETE ON locks BEGIN
  INSERT INTO journal (kind, key) VALUES ('${ENDED_LOCK_KIND}', OLD.fence || ' ' || OLD.path)
    ${NOTED};
END;
`;

/** How they are shown. */
export const LOCK_KINDS: readonly JournaledKind[] = [
  {
    kind: LOCK_KIND,
    record: "lock",
    subject: `(SELECT path FROM locks
      WHERE path = journal.key ->> 0 AND fence = journal.key ->> 1)`,
    isRemoved: "0",
  },
  {
    kind: ENDED_LOCK_KIND,
    record: "lock",
    subject: "substr(journal.key, instr(journal.key, ' ') + 1)",
    isRemoved: "1",
  },
];
