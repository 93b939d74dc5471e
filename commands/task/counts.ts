import { defineCommand } from "../../src/cli/command.ts";
import { inOrder } from "../../src/cli/output.ts";
import { TASK_STATUSES } from "../../src/task/model.ts";
import { Tasks } from "../../src/task/task.ts";

/** `agentcoord task counts` */
export const command = defineCommand({
  build: (command) => command,
  examples: ["agentcoord task counts --json"],
  run: async (cli) => inOrder(await new Tasks(await cli.context()).counts(), TASK_STATUSES),
  text: (counts) =>
    Object.entries(counts).map(([status, count]) => `${status.padEnd(10)} ${count}\n`).join(""),
});
