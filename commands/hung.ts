import { given } from "../src/given.ts";
import type { Agent, AgentReport } from "../src/agent/model.ts";
import { Agents } from "../src/agent/agent.ts";
import { defineCommand } from "../src/cli/command.ts";
import { duration } from "../src/cli/options.ts";
import { agentTable, heldText } from "./agent/text.ts";

/** An agent, with `--explain` together with what it holds. */
type Row = Agent & { readonly held?: Omit<AgentReport, "agent"> };

/** `agentcoord hung` */
export const command = defineCommand({
  build: (command) =>
    command
      .option(
        "--threshold <duration>",
        "silent for longer than this (default: 300)",
        duration("--threshold", { minMs: 1000 }),
      )
      .option("--explain", "also say what each holds and since when"),
  examples: ["agentcoord hung --threshold 300", "agentcoord hung --explain --json"],
  run: async (cli, { threshold, explain }): Promise<readonly Row[]> => {
    const agents = new Agents(await cli.context());
    const hung = await agents.hung(given({ thresholdMs: threshold }));
    if (!explain) return hung;
    return await Promise.all(hung.map(async (agent) => {
      const { locks, tasks } = await agents.explain(agent.name);
      return { ...agent, held: { locks, tasks } };
    }));
  },
  text: async (rows, view) => {
    if (rows.length === 0) return "Nobody is hung.\n";
    if (rows.every(({ held }) => held === undefined)) return await agentTable(rows, view);
    return rows.map((row) => heldText(row, row.held, view)).join("");
  },
});
