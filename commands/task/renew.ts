import { given } from "../../src/given.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { textFrom } from "../../src/cli/input.ts";
import { duration, integer, LEASE } from "../../src/cli/options.ts";
import { Tasks } from "../../src/task/task.ts";
import { taskLine } from "./text.ts";

/** `agentcoord task renew` */
export const command = defineCommand({
  build: (command) =>
    command
      .argument("<id>", "the task")
      .option("--progress <text|->", "how far the work is; the next holder finds it")
      .option(
        "--lease <duration>",
        "counted from now (default: as it was)",
        duration("--lease", LEASE),
      )
      .option("--fence <n>", "only under this fence", integer("--fence")),
  examples: [
    "agentcoord task renew tsk_01JD3ZW5N7X9K2M4P6Q8R0S2T4 --progress 'half way' --agent ada",
  ],
  run: async (cli, { progress, lease, fence }, id) =>
    await new Tasks(await cli.context()).renew(id, {
      ...(progress === undefined ? {} : { progress: await textFrom(cli, progress) }),
      ...given({ leaseMs: lease, fence }),
    }),
  text: taskLine,
});
