import { Agents } from "../../src/agent/agent.ts";
import { defineCommand } from "../../src/cli/command.ts";

/** `agentcoord agent deregister` */
export const command = defineCommand({
  build: (command) => command,
  examples: ["agentcoord agent deregister --agent ada"],
  run: async (cli) => await new Agents(await cli.context()).deregister(),
  text: ({ released: { locks, tasks } }) => `Gone; released ${locks} locks and ${tasks} tasks.\n`,
});
