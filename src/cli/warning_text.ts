/**
 * How warnings say what a store finds.
 * @module
 */
import { printable } from "../name.ts";
import type { Project } from "../project.ts";
import type {
  AuthorityWarning,
  LossWarning,
  NoFallbackWarning,
  StoreWarning,
} from "../engine/warning.ts";
import { lapsingTexts } from "./lapsing_text.ts";

/** A sentence, or a few. */
export function warningTexts(warning: StoreWarning, project: Project): string[] {
  if (warning.kind === "lapsing") return lapsingTexts(warning, project);
  if (warning.kind === "loss") return [lossText(warning)];
  return [warning.kind === "authority" ? authorityText(warning) : noFallbackText(warning)];
}

function noFallbackText({ reason }: NoFallbackWarning): string {
  return `No directory can stand in for the server while it cannot be reached: ${
    printable(reason, 500)
  }; mend that, or do without one with --fallback never`;
}

function authorityText({ store, location, sinceMs, reason, emptied }: AuthorityWarning): string {
  if (store === "redis") {
    if (emptied) {
      return `${
        printable(location, 300)
      } had lost everything: held locks and claimed tasks were put back, and ` +
        "tasks, threads, approvals, audit entries and events that only it had are lost";
    }
    return `${printable(location, 300)} can be reached again and decides since ${
      new Date(sinceMs).toISOString()
    }; what the directory of this project has taken in meanwhile was moved to it`;
  }
  return `${printable(location, 300)} cannot be reached (${printable(reason, 40)}) since ` +
    `${
      new Date(sinceMs).toISOString()
    }; the directory of this project stands in for it, and what is on the server ` +
    "is out of reach until it is back";
}

function lossText({ path, lostCommits, removed }: LossWarning): string {
  const place = printable(path, 300);
  const commits = lostCommits === 1 ? "1 commit" : `${lostCommits} commits`;
  if (removed) {
    return `store.db was removed from ${place}, with ${commits}: what they held is gone unless you ` +
      "put it back; without it the store starts anew";
  }
  return lostCommits > 0
    ? `${commits} ${
      lostCommits === 1 ? "is" : "are"
    } missing from ${place}: an older copy was put back, or its log was lost; put ` +
      "back a newer one, or go on without them; agentcoord doctor tells more"
    : `${place} was copied or put back from a backup: what was written since then is not in it`;
}
