import { defineCommand } from "../../src/cli/command.ts";
import { safeText } from "../../src/cli/output.ts";
import { type TaskExplanation, Tasks } from "../../src/task/task.ts";

/** `agentcoord task why` */
export const command = defineCommand({
  build: (command) => command.argument("<id>", "the task"),
  examples: ["agentcoord task why tsk_01JD3ZW5N7X9K2M4P6Q8R0S2T4"],
  run: async (cli, _options, id) => await new Tasks(await cli.context()).why(id),
  text: ({ id, status, title, reasons }: TaskExplanation) =>
    `${[id, status, title].map((word) => safeText(word)).join("  ")}\n` +
    reasons.map(({ message }) => `  ${safeText(message)}\n`).join(""),
});
