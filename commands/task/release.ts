import { given } from "../../src/given.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { textFrom } from "../../src/cli/input.ts";
import { integer } from "../../src/cli/options.ts";
import { Tasks } from "../../src/task/task.ts";
import { notBefore } from "./fields.ts";
import { taskLine } from "./text.ts";

/** `agentcoord task release` */
export const command = defineCommand({
  build: (command) =>
    command
      .argument("<id>", "the task")
      .option("--reason <text|->", "why; kept with the attempt")
      .option(
        "--not-before <time>",
        "from when on it may be claimed again: ISO time, epoch milliseconds, or +5m",
        notBefore,
      )
      .option("--fence <n>", "only under this fence", integer("--fence")),
  examples: [
    "agentcoord task release tsk_01JD3ZW5N7X9K2M4P6Q8R0S2T4 --agent ada",
    "agentcoord task release tsk_01JD3ZW5N7X9K2M4P6Q8R0S2T4 --agent ada --reason 'rate limit' --not-before +20m",
  ],
  run: async (cli, { reason, notBefore, fence }, id) =>
    await new Tasks(await cli.context()).release(id, {
      ...(reason === undefined ? {} : { reason: await textFrom(cli, reason) }),
      ...given({ notBeforeMs: notBefore, fence }),
    }),
  text: taskLine,
});
