/**
 * What is journaled of agents, in a database that stands in for another store.
 * @module
 */
import { journalTriggers } from "../../engine/directory/journal.ts";

/** What the journal calls agents; the key is the name. */
export const JOURNALED_AGENTS = "agent";

/** The DDL of the triggers. */
export const AGENT_JOURNAL: string = journalTriggers(
  "agents",
  JOURNALED_AGENTS,
  (row) => `${row}.name`,
);
