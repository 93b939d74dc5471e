import { given } from "../../src/given.ts";
import { Agents } from "../../src/agent/agent.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { choice } from "../../src/cli/options.ts";
import { agentTable } from "./text.ts";

/** `agentcoord agent list`, also `agentcoord agents` */
export const command = defineCommand({
  build: (command) =>
    command.addOption(
      choice("--status <status>", "only these", ["active", "idle", "blocked", "hung", "gone"]),
    ),
  examples: ["agentcoord agents", "agentcoord agent list --status hung --json"],
  run: async (cli, { status }) => await new Agents(await cli.context()).list(given({ status })),
  text: agentTable,
});
