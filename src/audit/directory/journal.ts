/**
 * What is journaled of the audit log, in a database that stands in for another store.
 * @module
 */
import { type JournaledKind, journalTriggers } from "../../engine/directory/journal.ts";

/** What the journal calls entries; the key is the number in the chain. */
export const JOURNALED_AUDIT = "audit";

/** The DDL of the triggers. */
export const AUDIT_JOURNAL: string = journalTriggers(
  "audit",
  JOURNALED_AUDIT,
  (row) => `${row}.seq`,
);

/** How they are shown. */
export const AUDIT_KINDS: readonly JournaledKind[] = [{
  kind: JOURNALED_AUDIT,
  record: "audit",
  subject: "(SELECT id FROM audit WHERE seq = journal.key)",
  isRemoved: "0",
}];
