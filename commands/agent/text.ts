/**
 * How agents read to people.
 * @module
 */
import type { Agent, AgentReport } from "../../src/agent/model.ts";
import { ago, safeText, table, type View } from "../../src/cli/output.ts";

/** A table of agents. */
export function agentTable(agents: readonly Agent[], view: View): Promise<string> {
  return table(
    agents,
    [
      { title: "NAME", value: ({ name }) => name },
      { title: "STATUS", value: ({ status }) => status },
      { title: "ROLE", value: ({ role }) => role },
      { title: "TAGS", value: ({ tags }) => tags.join(" ") },
      { title: "LOCKS", value: ({ locks }) => locks },
      { title: "TASKS", value: ({ tasks }) => tasks },
      { title: "HEARD", value: ({ lastHeartbeatAtMs }) => ago(view, lastHeartbeatAtMs) },
      { title: "WORKING ON", value: ({ workingOn }) => workingOn },
    ],
    view,
    "No agents.",
  );
}

/** One agent on a few lines. */
export function agentText(agent: Agent, view: View): string {
  const { name, status, role, tags, workingOn, host, pid, locks, tasks } = agent;
  const about = [role, ...tags].filter((word) => word !== "").map(safeText).join(" ");
  return `${name}  ${status}${about === "" ? "" : `  (${about})`}\n` +
    `  heard ${ago(view, agent.lastHeartbeatAtMs)} from ${safeText(host)}` +
    `${pid === undefined ? "" : `, process ${pid}`}; holds ${
      heldCounts({ locks, tasks }, ", ")
    }\n` +
    (workingOn === "" ? "" : `  working on: ${safeText(workingOn)}\n`);
}

/** How many leases, as people say it. */
export function heldCounts(
  { locks, tasks }: { readonly locks: number; readonly tasks: number },
  between: string,
): string {
  return `${locks} lock${locks === 1 ? "" : "s"}${between}${tasks} task${tasks === 1 ? "" : "s"}`;
}

/** One agent with what it holds, as far as that is known. */
export function heldText(
  agent: Agent,
  { locks, tasks }: Omit<AgentReport, "agent"> = { locks: [], tasks: [] },
  view: View,
): string {
  return agentText(agent, view) +
    locks.map(({ path, fence, intent, acquiredAtMs, expiresAtMs }) =>
      `  lock ${safeText(path)} (fence ${fence}), taken ${ago(view, acquiredAtMs)}, lapses ` +
      `${ago(view, expiresAtMs)}${intent === "" ? "" : `: ${safeText(intent)}`}\n`
    ).join("") +
    tasks.map(({ id, title, sinceMs }) =>
      `  task ${id} "${safeText(title)}", claimed ${ago(view, sinceMs)}\n`
    ).join("");
}
