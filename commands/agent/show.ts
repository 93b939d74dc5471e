import { Agents } from "../../src/agent/agent.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { agentText } from "./text.ts";

/** `agentcoord agent show` */
export const command = defineCommand({
  build: (command) => command.argument("<name>", "the agent"),
  examples: ["agentcoord agent show ada --json"],
  run: async (cli, _options, name) => await new Agents(await cli.context()).show(name),
  text: agentText,
});
