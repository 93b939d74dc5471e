/**
 * Removing what ended long ago, portion by portion: shared by the rooms that can.
 * @module
 */
import { anything, type FieldTable, flag } from "./arguments.ts";
import { checkInteger } from "./check.ts";

/** What is old enough, when nobody says. */
export const PRUNE_AFTER_MS = 30 * 24 * 60 * 60 * 1000;
const LONGEST_MS = 10 * 365 * 24 * 60 * 60 * 1000;

/** What to remove. */
export interface PruneOptions {
  /** How long ago it has ended at least: 0 ms to 10 years. Default 30 days. */
  readonly olderThanMs?: number;
  /** Count, and remove nothing. Default `false`. */
  readonly dryRun?: boolean;
}

/** How the options are read. */
export const PRUNE_FIELDS: FieldTable<PruneOptions> = { olderThanMs: anything, dryRun: flag };

/** What was removed. */
export interface Pruned {
  /** How many. */
  readonly pruned: number;
  /** How long ago they had ended at least, in milliseconds. */
  readonly olderThanMs: number;
  /** Whether they were only counted. */
  readonly dryRun: boolean;
}

/** What one operation of a store is asked to remove. */
export interface PrunePortion {
  /** How long ago it came to an end at least, by the store's clock. */
  readonly olderThanMs: number;
  /** Where an earlier operation left off; 0 is the beginning. */
  readonly after: number;
  /** Count, and remove nothing. */
  readonly dryRun: boolean;
}

/** What one operation came to. */
export interface PrunedPortion {
  readonly pruned: number;
  /** Where to go on; absent at the end. */
  readonly next?: number;
}

/** Calls `operation` until there is nothing more to look at. */
export async function pruneAll(
  options: PruneOptions,
  operation: (portion: PrunePortion) => Promise<PrunedPortion>,
): Promise<Pruned> {
  const olderThanMs = checkInteger(options.olderThanMs ?? PRUNE_AFTER_MS, "olderThanMs", {
    min: 0,
    max: LONGEST_MS,
  });
  const dryRun = options.dryRun === true;
  let pruned = 0;
  for (let after: number | undefined = 0; after !== undefined;) {
    const portion: PrunedPortion = await operation({ olderThanMs, after, dryRun });
    pruned += portion.pruned;
    after = portion.next;
  }
  return { pruned, olderThanMs, dryRun };
}
