import { given } from "../src/given.ts";
import type { AgentStatus } from "../src/agent/model.ts";
import { Agents } from "../src/agent/agent.ts";
import { Approvals } from "../src/approval/approval.ts";
import { Audit } from "../src/audit/audit.ts";
import { Board } from "../src/board/board.ts";
import { defineCommand } from "../src/cli/command.ts";
import { inOrder, paint, type View } from "../src/cli/output.ts";
import { formatDuration } from "../src/duration.ts";
import { Locks } from "../src/lock/lock.ts";
import { printable } from "../src/name.ts";
import type { AuthorityStatus, Store } from "../src/store.ts";
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
    const [authority, agents, locks, tasks, threads, approvals, audit] = await Promise.all([
      store.authority?.(),
      new Agents(context).summary(),
      new Locks(context).count(),
      new Tasks(context).counts(),
      new Board(context).counts(),
      new Approvals(context).counts(),
      new Audit(context).count(),
    ]);
    return {
      authority: shownAuthority(authority ?? { store: store.kind, epoch: 0 }),
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
      ["authority", authorityText(authority, store.kind, view)],
      ["agents", countsText({ ...agents }, view)],
      ["locks", amount(locks, "held")],
      ["tasks", countsText({ ...tasks }, view)],
      ["threads", amount(threads, "open")],
      ["approvals", approvals === 0 ? "none" : paint(view, "yellow", `${approvals} pending`)],
      ["audit log", amount(audit, audit === 1 ? "entry" : "entries")],
    ];
    return rows.map(([name, value]) => `${paint(view, "bold", name.padEnd(11))}${value}\n`).join(
      "",
    );
  },
});

/** What of the record is for everybody; a store that nothing ever stands in for has no more than the first two. */
type ShownAuthority =
  & Pick<AuthorityStatus, "store" | "epoch">
  & Partial<Pick<AuthorityStatus, "sinceMs" | "reason" | "others">>;

function shownAuthority({ store, epoch, sinceMs, reason, others }: ShownAuthority): ShownAuthority {
  return { store, epoch, ...given({ sinceMs, reason, others }) };
}

/** `redis, epoch 3`; of a directory that stands in for a server also since when and why. */
function authorityText(
  { store, epoch, sinceMs, reason, others = [] }: ShownAuthority,
  kind: Store["kind"],
  view: View,
): string {
  const text = `${store}, epoch ${epoch}`;
  if (store === kind || sinceMs === undefined) {
    return others.length === 0 ? text : `${text}, other sites: ${others.length}`;
  }
  const since = formatDuration(Math.max(0, view.nowMs - sinceMs));
  return paint(view, "yellow", `${text}, for ${since}: ${printable(reason ?? "", 400)}`);
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
