/**
 * The journal of the board, in a database that stands in for another store; see src/engine/directory/journal.ts.
 * @module
 */
import { type JournaledKind, journalTriggers } from "../../engine/directory/journal.ts";
import { REMOVING } from "./tables.ts";

/** What the journal calls messages, keyed by `seq`: also those that somebody has read. */
export const JOURNALED_MESSAGES = "message";
/** Threads and who wrote in them, keyed by `seq`. */
export const JOURNALED_THREADS = "thread";
/** Threads that were removed, or are being removed, keyed by identifier. */
export const REMOVED_THREADS = "thread_removed";
/** Agents whose cursor was moved, keyed by name. */
export const JOURNALED_READERS = "inbox_reader";

const REMOVED =
  `INSERT INTO journal (kind, key) VALUES ('${REMOVED_THREADS}', OLD.id) ON CONFLICT DO NOTHING;`;

/** The DDL of the triggers. */
export const BOARD_JOURNAL: string =
  journalTriggers("messages", JOURNALED_MESSAGES, (row) => `${row}.seq`) +
  journalTriggers("inbox", JOURNALED_MESSAGES, (row) => `${row}.message`) +
  journalTriggers("threads", JOURNALED_THREADS, (row) => `${row}.seq`) +
  journalTriggers("thread_members", JOURNALED_THREADS, (row) => `${row}.thread`) +
  journalTriggers("inbox_cursors", JOURNALED_READERS, (row) => `${row}.agent`) +
  `CREATE TRIGGER journal_threads_removing AFTER UPDATE OF status ON threads
WHEN NEW.status = '${REMOVING}' BEGIN
  ${REMOVED}
END;
CREATE TRIGGER journal_threads_removed AFTER DELETE ON threads BEGIN
  ${REMOVED}
END;
`;

/** How they are shown; the opening message of a thread goes with the thread. */
export const BOARD_KINDS: readonly JournaledKind[] = [
  {
    kind: JOURNALED_MESSAGES,
    record: "message",
    subject: "(SELECT id FROM messages WHERE seq = journal.key AND seq <> thread)",
    isRemoved: "0",
  },
  {
    kind: JOURNALED_THREADS,
    record: "thread",
    subject: `(SELECT id FROM threads WHERE seq = journal.key AND status <> '${REMOVING}')`,
    isRemoved: "0",
  },
  { kind: REMOVED_THREADS, record: "thread", subject: "journal.key", isRemoved: "1" },
  { kind: JOURNALED_READERS, record: "inbox", subject: "journal.key", isRemoved: "0" },
];
