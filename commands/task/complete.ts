import { given } from "../../src/given.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { jsonFrom } from "../../src/cli/input.ts";
import { integer } from "../../src/cli/options.ts";
import { Tasks } from "../../src/task/task.ts";
import { taskLine } from "./text.ts";

/** `agentcoord task complete` */
export const command = defineCommand({
  build: (command) =>
    command
      .argument("<id>", "the task")
      .option("--result <json|@file|->", "what came of it")
      .option("--fence <n>", "only under this fence", integer("--fence")),
  examples: [
    'agentcoord task complete tsk_01JD3ZW5N7X9K2M4P6Q8R0S2T4 --result \'{"commit":"4f2a91c"}\' --agent ada',
  ],
  run: async (cli, { result, fence }, id) => {
    const outcome = result === undefined ? {} : { result: await jsonFrom(cli, result, "--result") };
    return await new Tasks(await cli.context()).complete(id, {
      ...outcome,
      ...given({ fence }),
    });
  },
  text: taskLine,
});
