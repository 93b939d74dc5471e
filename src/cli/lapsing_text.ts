/**
 * How warnings name leases that need to be renewed, each with the command that renews it.
 * @module
 */
import { posix } from "node:path";
import { formatDuration } from "../duration.ts";
import { quote } from "../name.ts";
import type { Project } from "../project.ts";
import { LAPSING_TOLD, type LapsingLease, type LapsingWarning } from "../engine/warning.ts";
import { shellWords } from "./wrapper_words.ts";

/** One sentence a lease; one for all of them when there are too many. */
export function lapsingTexts({ agent, leases }: LapsingWarning, project: Project): string[] {
  const who = `agent ${quote(agent)} holds`;
  const command = (...words: string[]) => `agentcoord ${shellWords([...words, "--agent", agent])}`;
  if (leases.length === LAPSING_TOLD) {
    const first = formatDuration(leases[0]!.lapsesInMs);
    const renewal = command("agent", "heartbeat");
    return [
      `${who} several leases that lapse soon, the first in ${first}; renew all it holds: ${renewal}`,
    ];
  }
  return leases.map(({ kind, subject, lapsesInMs }) => {
    const [name, words] = wordsFor({ kind, subject }, project);
    return `${who} ${name}, which lapses in ${formatDuration(lapsesInMs)}; ` +
      `renew it: ${command(kind, "renew", ...words)}`;
  });
}

/** What the lease is called, and how it is named in a command given where this one was. */
function wordsFor(
  { kind, subject }: Pick<LapsingLease, "kind" | "subject">,
  { cwd, worktree }: Project,
): readonly [string, string[]] {
  if (kind === "task") return [`task ${subject}`, [subject]];
  if (subject.startsWith("/")) return [subject, [subject, "--absolute"]];
  const path = posix.relative(cwd, posix.join(worktree, subject)) || ".";
  const slash = subject.endsWith("/") ? "/" : "";
  return [subject, [(path.startsWith("-") ? `./${path}` : path) + slash]];
}
