/**
 * The journal of the board, in a database that stands in for another store; see src/engine/directory/journal.ts.
 * @module
 */
import { journalTriggers } from "../../engine/directory/journal.ts";
import { REMOVING } from "./tables.ts";

/** What the journal calls messages, keyed by `seq`: also those that somebody has read. */
export const JOURNALED_MESSAGES = "message";
/** Threads and who wrote in them, keyed by `seq`. */
export const JOURNALED_THREADS = "thread";
/** Threads that were removed, or are being removed, keyed by identifier. */
export const REMOVED_THREADS = "thread_removed";
/** Agents whose cursor was moved, keyed by name. */
export const JOURNALED_READERS = "inbox_reader";

const REMOVED = `INSERT INTO journal VALUES ('${REMOVED_THREADS}', OLD.id) ON CONFLICT DO NOTHING;`;

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
