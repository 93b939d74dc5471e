import { given } from "../../src/given.ts";
import { Board } from "../../src/board/board.ts";
import type { ThreadStatus } from "../../src/board/thread.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { list } from "../../src/cli/options.ts";
import { prunedLine, pruneOptions } from "../prune_text.ts";

/** `agentcoord board prune` */
export const command = defineCommand({
  build: (command) =>
    command
      .option(
        "--before <time>",
        "whose last change is longer ago, or before this instant (default: 30d)",
      )
      .option(
        "--status <names>",
        "which ones: resolved, waiting, active (default: resolved)",
        list("--status"),
      )
      .option("--dry-run", "only say how many"),
  examples: [
    "agentcoord board prune --before 30d --dry-run --agent maria",
    "agentcoord board prune --before 90d --status resolved,waiting --agent maria",
  ],
  run: async (cli, { status, ...options }) =>
    await new Board(await cli.context()).prune({
      ...pruneOptions(options),
      // Checked by the library, whose refusal names the words.
      ...given({ statuses: status as readonly ThreadStatus[] | undefined }),
    }),
  text: (pruned) => prunedLine(pruned, "thread", "last changed"),
});
