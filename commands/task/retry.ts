import { defineCommand } from "../../src/cli/command.ts";
import { Tasks } from "../../src/task/task.ts";
import { taskLine } from "./text.ts";

/** `agentcoord task retry` */
export const command = defineCommand({
  build: (command) => command.argument("<id>", "the task"),
  examples: ["agentcoord task retry tsk_01JD3ZW5N7X9K2M4P6Q8R0S2T4 --agent maria"],
  run: async (cli, _options, id) => await new Tasks(await cli.context()).retry(id),
  text: taskLine,
});
