import { given } from "../../src/given.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { textFrom } from "../../src/cli/input.ts";
import { integer } from "../../src/cli/options.ts";
import { Tasks } from "../../src/task/task.ts";
import { taskLine } from "./text.ts";

/** `agentcoord task release` */
export const command = defineCommand({
  build: (command) =>
    command
      .argument("<id>", "the task")
      .option("--reason <text|->", "why; kept with the attempt")
      .option("--fence <n>", "only under this fence", integer("--fence")),
  examples: ["agentcoord task release tsk_01JD3ZW5N7X9K2M4P6Q8R0S2T4 --agent ada"],
  run: async (cli, { reason, fence }, id) =>
    await new Tasks(await cli.context()).release(id, {
      ...(reason === undefined ? {} : { reason: await textFrom(cli, reason) }),
      ...given({ fence }),
    }),
  text: taskLine,
});
