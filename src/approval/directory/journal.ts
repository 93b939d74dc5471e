/**
 * The journal of approvals, in a database that stands in for another store; see src/engine/directory/journal.ts.
 * @module
 */
import { type JournaledKind, journalTriggers } from "../../engine/directory/journal.ts";

/** What the journal calls approvals, keyed by `seq`. */
export const JOURNALED_APPROVALS = "approval";
/** What it calls those that were removed, keyed by identifier. */
export const REMOVED_APPROVALS = "approval_removed";

/** The DDL of the triggers. */
export const APPROVAL_JOURNAL: string =
  journalTriggers("approvals", JOURNALED_APPROVALS, (row) => `${row}.seq`) +
  `CREATE TRIGGER journal_approvals_removed AFTER DELETE ON approvals BEGIN
  INSERT INTO journal (kind, key) VALUES ('${REMOVED_APPROVALS}', OLD.id) ON CONFLICT DO NOTHING;
END;
`;

/** How they are shown. */
export const APPROVAL_KINDS: readonly JournaledKind[] = [
  {
    kind: JOURNALED_APPROVALS,
    record: "approval",
    subject: "(SELECT id FROM approvals WHERE seq = journal.key)",
    isRemoved: "0",
  },
  { kind: REMOVED_APPROVALS, record: "approval", subject: "journal.key", isRemoved: "1" },
];
