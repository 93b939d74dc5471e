import { defineCommand } from "../../src/cli/command.ts";
import { Tasks } from "../../src/task/task.ts";

/** `agentcoord task counts` */
export const command = defineCommand({
  build: (command) => command,
  examples: ["agentcoord task counts --json"],
  run: async (cli) => await new Tasks(await cli.context()).counts(),
  text: (counts) =>
    Object.entries(counts).map(([status, count]) => `${status.padEnd(10)} ${count}\n`).join(""),
});
