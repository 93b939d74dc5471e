import { given } from "../../src/given.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { textFrom } from "../../src/cli/input.ts";
import { integer } from "../../src/cli/options.ts";
import { Tasks } from "../../src/task/task.ts";
import { taskLine } from "./text.ts";

/** `agentcoord task fail` */
export const command = defineCommand({
  build: (command) =>
    command
      .argument("<id>", "the task")
      .requiredOption("--error <text|->", "what went wrong; kept with the attempt")
      .option("--no-retry", "another attempt cannot succeed: the task is dead")
      .option("--fence <n>", "only under this fence", integer("--fence")),
  examples: [
    "agentcoord task fail tsk_01JD3ZW5N7X9K2M4P6Q8R0S2T4 --error 'tests are red' --agent ada",
  ],
  run: async (cli, { error, retry, fence }, id) =>
    await new Tasks(await cli.context()).fail(id, {
      error: await textFrom(cli, error),
      retry,
      ...given({ fence }),
    }),
  text: taskLine,
});
