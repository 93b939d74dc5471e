import { Agents } from "../../src/agent/agent.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { heldCounts } from "./text.ts";

/** `agentcoord agent deregister` */
export const command = defineCommand({
  build: (command) => command,
  examples: ["agentcoord agent deregister --agent ada"],
  run: async (cli) => await new Agents(await cli.context()).deregister(),
  text: ({ released }) => `Gone; released ${heldCounts(released, " and ")}.\n`,
});
