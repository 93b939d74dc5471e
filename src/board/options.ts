/**
 * Options of the board's operations that are checked before anything is sent.
 * @module
 */
import { checkChoice, invalid } from "../check.ts";
import type { PruneOptions } from "../prune.ts";
import type { ThreadStatus } from "./thread.ts";

/** Every status of a thread. */
export const STATUSES: readonly ThreadStatus[] = ["active", "waiting", "resolved"];

/** What to remove; see {@linkcode Board.prune}. */
export interface PruneThreadsOptions extends PruneOptions {
  /** Default `resolved` alone. */
  readonly statuses?: readonly ThreadStatus[];
}

/** The statuses to remove. */
export function checkThreadStatuses(
  { statuses = ["resolved"] }: PruneThreadsOptions,
): readonly ThreadStatus[] {
  if (!Array.isArray(statuses) || statuses.length === 0) {
    throw invalid(statuses, "statuses", "use a list of active, waiting and resolved");
  }
  return [...new Set(statuses.map((status) => checkChoice(status, "statuses", STATUSES)))];
}
