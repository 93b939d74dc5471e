/**
 * The journal of tasks, in a database that stands in for another store; see src/engine/directory/journal.ts.
 * @module
 */
import { type JournaledKind, journalTriggers } from "../../engine/directory/journal.ts";

/** What the journal calls tasks, keyed by `seq`. */
export const JOURNALED_TASKS = "task";
/** What it calls those that were removed, keyed by identifier, fence and status with spaces between. */
export const REMOVED_TASKS = "task_removed";

const bySeq = (row: "NEW" | "OLD") => `${row}.seq`;

/** The DDL of the triggers. */
export const TASK_JOURNAL: string = journalTriggers("tasks", JOURNALED_TASKS, bySeq) +
  journalTriggers("task_attempts", JOURNALED_TASKS, bySeq) +
  journalTriggers("task_texts", JOURNALED_TASKS, bySeq) +
  `CREATE TRIGGER journal_tasks_removed AFTER DELETE ON tasks BEGIN
  INSERT INTO journal (kind, key) VALUES ('${REMOVED_TASKS}', OLD.id || ' ' || OLD.fence || ' ' || OLD.status)
    ON CONFLICT DO NOTHING;
END;
`;

/** How they are shown. */
export const TASK_KINDS: readonly JournaledKind[] = [
  {
    kind: JOURNALED_TASKS,
    record: "task",
    subject: "(SELECT id FROM tasks WHERE seq = journal.key)",
    isRemoved: "0",
  },
  {
    kind: REMOVED_TASKS,
    record: "task",
    subject: "substr(journal.key, 1, instr(journal.key, ' ') - 1)",
    isRemoved: "1",
  },
];
