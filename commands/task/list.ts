import { given } from "../../src/given.ts";
import { defineCommand, Page } from "../../src/cli/command.ts";
import { choice, integer, list } from "../../src/cli/options.ts";
import {
  type Task,
  TASK_STATUSES,
  type TaskCounts,
  type TaskStatus,
} from "../../src/task/model.ts";
import { Tasks } from "../../src/task/task.ts";
import { hintAgents } from "../agent/hint.ts";
import { taskTable } from "./text.ts";

/** As they are listed. */
const TASK_ORDER: readonly TaskStatus[] = [
  "claimed",
  "pending",
  "blocked",
  "scheduled",
  "completed",
  "dead",
  "cancelled",
];

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
      .option("--cursor <cursor>", "where the page before ended")
      .addHelpText(
        "after",
        "\nOpen tasks come first, as they are claimed: claimed, pending by priority, blocked, scheduled. Then\n" +
          "come those that have ended, oldest first.",
      ),
  examples: ["agentcoord tasks", "agentcoord task list --status dead --json"],
  run: async (cli, { status, tags, match, holder, by, limit, cursor }) => {
    const tasks = new Tasks(await cli.context());
    const filter = {
      ...given({ status, tags, match, holder, createdBy: by }),
    };
    const page = await tasks.list({
      ...filter,
      order: "claim",
      ...given({ limit, cursor }),
    });
    if (page.tasks.length === 0) await hintAgents(cli, [holder, by]);
    const isCut = page.nextCursor !== undefined && cursor === undefined;
    const isKnown = isCut && Object.keys(filter).length === 0;
    const leftOut = isKnown ? notShown(page.tasks, await tasks.counts()) : undefined;
    return new Page(page.tasks, page.nextCursor, leftOut);
  },
  text: taskTable,
});

/** `12 pending, 4888 completed`: how many of each status are on other pages. */
function notShown(shown: readonly Task[], counts: TaskCounts): string | undefined {
  const parts = TASK_ORDER.flatMap((status) => {
    const left = counts[status] - shown.filter((task) => task.status === status).length;
    return left > 0 ? [`${left} ${status}`] : [];
  });
  return parts.length === 0 ? undefined : parts.join(", ");
}
