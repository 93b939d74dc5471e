import { olderThan } from "../src/cli/options.ts";
import { formatDuration } from "../src/duration.ts";
import type { Pruned } from "../src/prune.ts";

/** How old something is by default before it is removed. */
export const DEFAULT_AGE = "30d";

/** What the options of a `prune` command mean for the library. */
export function pruneOptions(
  { before = DEFAULT_AGE, dryRun }: { readonly before?: string; readonly dryRun?: true },
): { readonly olderThanMs: number; readonly dryRun: boolean } {
  return { olderThanMs: olderThan("--before")(before), dryRun: dryRun === true };
}

/** What was removed, as a line for people. */
export function prunedLine(
  { pruned, olderThanMs, dryRun }: Pruned,
  noun: string,
  verb = "ended",
): string {
  const things = `${pruned} ${noun}${pruned === 1 ? "" : "s"}`;
  const when = `that ${verb} over ${formatDuration(olderThanMs)} ago`;
  return dryRun ? `Would remove ${things} ${when}.\n` : `Removed ${things} ${when}.\n`;
}
