import { defineCommand, Page } from "../../src/cli/command.ts";
import { choice, integer, list } from "../../src/cli/options.ts";
import { TASK_STATUSES } from "../../src/task/model.ts";
import { Tasks } from "../../src/task/task.ts";
import { taskTable } from "./text.ts";

/** `agentcoord task list`, also `agentcoord tasks` */
export const command = defineCommand({
  build: (command) =>
    command
      .addOption(choice("--status <status>", "only these", TASK_STATUSES))
      .option("--tags <names>", "only tasks with these tags", list("--tags"))
      .addOption(
        choice("--match <how>", "any one tag is enough, or all (default: any)", ["any", "all"]),
      )
      .option("--holder <name>", "only tasks this agent holds")
      .option("--by <name>", "only tasks this agent created")
      .option("--limit <n>", "most rows (default: 100)", integer("--limit"))
      .option("--cursor <cursor>", "where the page before ended"),
  examples: ["agentcoord tasks", "agentcoord task list --status dead --json"],
  run: async (cli, { status, tags, match, holder, by, limit, cursor }) => {
    const page = await new Tasks(await cli.context()).list({
      ...(status === undefined ? {} : { status }),
      ...(tags === undefined ? {} : { tags }),
      ...(match === undefined ? {} : { match }),
      ...(holder === undefined ? {} : { holder }),
      ...(by === undefined ? {} : { createdBy: by }),
      ...(limit === undefined ? {} : { limit }),
      ...(cursor === undefined ? {} : { cursor }),
    });
    return new Page(page.tasks, page.nextCursor);
  },
  text: taskTable,
});
