import { given } from "../../src/given.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { list } from "../../src/cli/options.ts";
import type { EndedStatus } from "../../src/task/model.ts";
import { Tasks } from "../../src/task/task.ts";
import { prunedLine, pruneOptions } from "../prune_text.ts";

/** `agentcoord task prune` */
export const command = defineCommand({
  build: (command) =>
    command
      .option("--before <time>", "that ended longer ago, or before this instant (default: 30d)")
      .option(
        "--status <names>",
        "which ones: completed, cancelled, dead (default: completed,cancelled)",
        list("--status"),
      )
      .option("--dry-run", "only say how many"),
  examples: [
    "agentcoord task prune --before 30d --dry-run --agent maria",
    "agentcoord task prune --before 7d --status completed,cancelled,dead --agent maria",
  ],
  run: async (cli, { status, ...options }) =>
    await new Tasks(await cli.context()).prune({
      ...pruneOptions(options),
      // Checked by the library, whose refusal names the words.
      ...given({ statuses: status as readonly EndedStatus[] | undefined }),
    }),
  text: (pruned) => prunedLine(pruned, "task"),
});
