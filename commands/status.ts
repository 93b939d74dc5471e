import type { AgentStatus } from "../src/agent/model.ts";
import { Agents } from "../src/agent/agent.ts";
import { Approvals } from "../src/approval/approval.ts";
import { Audit } from "../src/audit/audit.ts";
import { Board } from "../src/board/board.ts";
import { defineCommand } from "../src/cli/command.ts";
import { inOrder, paint, type View } from "../src/cli/output.ts";
import { formatDuration } from "../src/duration.ts";
import { type Authority, Failover } from "../src/failover.ts";
import { Locks } from "../src/lock/lock.ts";
import { printable } from "../src/name.ts";
import { TASK_STATUSES } from "../src/task/model.ts";
import { Tasks } from "../src/task/task.ts";

/** In the order they are shown. */
const AGENT_STATUSES: readonly AgentStatus[] = ["active", "idle", "blocked", "hung", "gone"];

/** `agentcoord status` */
export const command = defineCommand({
  build: (command) => command,
  examples: ["agentcoord status", "agentcoord status --json"],
  run: async (cli) => {
    const context = await cli.context();
    const { namespace } = await cli.config();
    const { store } = context;
    const [agents, locks, tasks, threads, approvals, audit] = await Promise.all([
      new Agents(context).summary(),
      new Locks(context).count(),
      new Tasks(context).counts(),
      new Board(context).counts(),
      new Approvals(context).counts(),
      new Audit(context).count(),
    ]);
    // Looked at last: one of these may have found that the server is away, and made the directory take over.
    const authority = await new Failover(context).authority();
    return {
      authority,
      store: { kind: store.kind, location: store.location },
      namespace,
      agents: inOrder(agents, AGENT_STATUSES),
      locks,
      tasks: inOrder(tasks, TASK_STATUSES),
      threads: threads.active + threads.waiting,
      approvals: approvals.pending,
      audit,
    };
  },
  text: (
    { authority, store, namespace, agents, locks, tasks, threads, approvals, audit },
    view,
  ) => {
    const rows: readonly (readonly [string, string])[] = [
      ["store", `${store.kind} ${printable(store.location, Infinity)}`],
      ["namespace", namespace],
      ["authority", authorityText(authority)],
      ["agents", countsText({ ...agents }, view)],
      ["locks", amount(locks, "held")],
      ["tasks", countsText({ ...tasks }, view)],
      ["threads", amount(threads, "open")],
      ["approvals", approvals === 0 ? "none" : paint(view, "yellow", `${approvals} pending`)],
      ["audit log", amount(audit, audit === 1 ? "entry" : "entries")],
    ];
    const lines = rows.map(([name, value]) => `${paint(view, "bold", name.padEnd(11))}${value}\n`);
    return [standInText(authority, store.location, view), ...lines].join("");
  },
});

/** `redis, epoch 3`, and how many other sites there are. */
function authorityText({ store, epoch, others = [] }: Authority): string {
  const text = `${store}, epoch ${epoch}`;
  return others.length === 0 ? text : `${text}, other sites: ${others.length}`;
}

/** What people must know first while a directory stands in for a server; otherwise nothing. */
function standInText(
  { store, sinceMs, reason = "", journal = 0, unreachable }: Authority,
  location: string,
  view: View,
): string {
  if (store !== "directory" || sinceMs === undefined) return "";
  const lasted = formatDuration(Math.max(0, view.nowMs - sinceMs));
  const waiting = journal === 0
    ? "nothing waits to be moved back"
    : `${journal} ${journal === 1 ? "record waits" : "records wait"} to be moved back`;
  const sentence = `The directory stands in for ${printable(location, Infinity)} for ${lasted} ` +
    `(${printable(reason, 400)}); ${waiting}; ${outOfReachText(unreachable)}. ` +
    "What else the server has (threads, approvals, audit entries) is not counted here.";
  return `${paint(view, "yellow", sentence)}\n`;
}

function outOfReachText(unreachable: Authority["unreachable"]): string {
  if (unreachable === undefined) return "open tasks on the server are out of reach";
  const { tasks } = unreachable;
  if (tasks === 0) return "no open task is out of reach";
  return `${tasks} open ${tasks === 1 ? "task is" : "tasks are"} out of reach`;
}

/** States that want somebody's attention. */
const ALARMING = ["hung", "dead"];

/** `2 active, 1 hung`: what there is, or `none`. */
function countsText(counts: Readonly<Record<string, number>>, view: View): string {
  const parts = Object.entries(counts).filter(([, count]) => count > 0).map(([state, count]) => {
    const part = `${count} ${state}`;
    return ALARMING.includes(state) ? paint(view, "red", part) : part;
  });
  return parts.length === 0 ? "none" : parts.join(", ");
}

function amount(count: number, what: string): string {
  return count === 0 ? "none" : `${count} ${what}`;
}
