import { defineCommand, Exit } from "../../src/cli/command.ts";
import { CoordinationClient } from "../../src/client.ts";
import { sleep } from "../../src/clock.ts";
import type { Session } from "../../src/session.ts";

/** How often the coordinator looks around when no event wakes it. */
const PASS_MS = 200;

/** `agentcoord demo-coordinator NAME`: approves what it is asked, and notices who went silent. */
export const command = defineCommand({
  build: (command) => command.argument("<name>", "name of the agent"),
  examples: ["agentcoord demo-coordinator maria"],
  run: async (cli, _options, name) => {
    const stop = new AbortController();
    Deno.addSignalListener("SIGTERM", () => stop.abort());
    await using client = await CoordinationClient.open({ cwd: cli.cwd });
    await using session = await client.session(name, { role: "coordinator" });
    const silent = new Set<string>();
    while (!stop.signal.aborted) {
      await decide(session);
      await notice(session, silent);
      await sleep(PASS_MS, stop.signal);
    }
    return new Exit(0);
  },
  text: () => "",
});

async function decide(session: Session): Promise<void> {
  for (
    const { id, description } of (await session.approvals.list({ status: "pending" })).approvals
  ) {
    await session.approvals.approve(id, { comment: "every task before it is complete" });
    await session.logDecision({
      decisionType: "approval",
      context: description,
      reason: "every task before it is complete",
      refs: [id],
    });
  }
}

/** Tells the board once about each agent whose time to live has passed. */
async function notice(session: Session, silent: Set<string>): Promise<void> {
  const now = Date.now();
  for (const agent of await session.agents.list()) {
    if (agent.status === "gone" || agent.expiresAtMs > now || silent.has(agent.name)) continue;
    silent.add(agent.name);
    await session.postThread({
      title: `${agent.name} is silent`,
      message: `@${agent.name} has missed its heartbeat; its task returns to the queue by itself.`,
      priority: "high",
    });
  }
}
