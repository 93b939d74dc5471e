/**
 * Looking at what waits to be moved to a server from the directory that stands in for it.
 * @module
 */
import { checkInteger } from "./check.ts";
import { InvalidArgumentError } from "./errors.ts";
import { LIMITS } from "./name.ts";
import type { Journal, Store } from "./store.ts";

/** How much to show. */
export interface JournalOptions {
  /** Most records, 1 to 1000. Default 100. */
  readonly limit?: number;
}

/**
 * The records that were changed in the directory and are not on the server yet, the oldest change first; none while the
 * server decides.
 *
 * @throws {InvalidArgumentError} when nothing ever stands in for the store.
 */
export async function readJournal(store: Store, options: JournalOptions = {}): Promise<Journal> {
  const limit = checkInteger(options.limit ?? 100, "limit", { min: 1, max: LIMITS.batch });
  const journal = await store.journal?.(limit);
  if (journal !== undefined) return journal;
  const { kind, location } = store;
  throw new InvalidArgumentError(
    `Nothing ever waits to be moved: no directory stands in for the store at ${location}`,
    { field: "store", kind },
  );
}
