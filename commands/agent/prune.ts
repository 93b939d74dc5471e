import { Agents } from "../../src/agent/agent.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { agentTable } from "./text.ts";

/** `agentcoord agent prune` */
export const command = defineCommand({
  build: (command) => command,
  examples: ["agentcoord agent prune --agent maria"],
  run: async (cli) => await new Agents(await cli.context()).prune(),
  text: async (agents, view) =>
    agents.length === 0 ? "Nobody is gone.\n" : await agentTable(agents, view),
});
