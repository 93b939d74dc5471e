/**
 * What is journaled of agents, in a database that stands in for another store.
 * @module
 */
import { type JournaledKind, journalTriggers } from "../../engine/directory/journal.ts";

/** What the journal calls agents; the key is the name. */
export const JOURNALED_AGENTS = "agent";

/** The DDL of the triggers. */
export const AGENT_JOURNAL: string = journalTriggers(
  "agents",
  JOURNALED_AGENTS,
  (row) => `${row}.name`,
);

/** How they are shown. */
export const AGENT_KINDS: readonly JournaledKind[] = [{
  kind: JOURNALED_AGENTS,
  record: "agent",
  subject: "journal.key",
  isRemoved: "NOT EXISTS (SELECT 1 FROM agents WHERE name = journal.key)",
}];
