import { given } from "../../src/given.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { choice, duration, integer, LEASE, list } from "../../src/cli/options.ts";
import { Tasks } from "../../src/task/task.ts";
import { taskText } from "./text.ts";

/** `agentcoord task claim` */
export const command = defineCommand({
  build: (command) =>
    command
      .option("--tags <names>", "only tasks with these tags", list("--tags"))
      .addOption(
        choice("--match <how>", "any one tag is enough, or all (default: any)", ["any", "all"]),
      )
      .option(
        "--lease <duration>",
        "length of the lease (default: the task's own)",
        duration("--lease", LEASE),
      )
      .option("--wait <duration>", "wait this long for one (default: 0)", duration("--wait"))
      .option("--count <n>", "how many at most (default: 1)", integer("--count")),
  examples: [
    "agentcoord task claim --tags backend --agent ada --json",
    "agentcoord task claim --tags backend,urgent --match all --wait 5m --agent ada",
  ],
  run: async (cli, { tags, match, lease, wait, count }) =>
    await new Tasks(await cli.context()).claim({
      ...given({ tags, match, leaseMs: lease, waitMs: wait, count }),
    }),
  text: (tasks, view) => tasks.map((task) => taskText(task, view)).join(""),
});
