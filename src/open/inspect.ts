/**
 * A look at the database of a directory store from outside, with the tables that the rooms have in it.
 * @module
 */
import { type DatabaseFacts, inspectDatabase } from "../engine/directory/inspect.ts";
import { type EventFacts, eventFacts } from "../event/directory/facts.ts";
import { SCHEMA, SCHEMA_VERSION } from "./schema.ts";

/** What the database says about itself. */
export type ContentFacts = DatabaseFacts & EventFacts & {
  /** Whether its schema is brought forward when the store is next used. */
  readonly isOlder: boolean;
};

/**
 * Reads the database of a namespace without changing it.
 *
 * @throws {StoreUnavailableError} when it is damaged, foreign, too new or unreadable.
 */
export function inspectContent(directory: string, namespace: string): ContentFacts {
  const facts = inspectDatabase(directory, namespace, SCHEMA, eventFacts);
  return { ...facts, isOlder: facts.schema < SCHEMA_VERSION };
}
