import { Approvals } from "../../src/approval/approval.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { prunedLine, pruneOptions } from "../prune_text.ts";

/** `agentcoord approval prune` */
export const command = defineCommand({
  build: (command) =>
    command
      .option("--before <time>", "that ended longer ago, or before this instant (default: 30d)")
      .option("--dry-run", "only say how many"),
  examples: ["agentcoord approval prune --before 30d --dry-run --agent maria"],
  run: async (cli, options) =>
    await new Approvals(await cli.context()).prune(pruneOptions(options)),
  text: (pruned) => prunedLine(pruned, "approval"),
});
