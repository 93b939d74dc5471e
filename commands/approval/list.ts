import { given } from "../../src/given.ts";
import { Approvals } from "../../src/approval/approval.ts";
import { defineCommand, Page } from "../../src/cli/command.ts";
import { choice, integer } from "../../src/cli/options.ts";
import { hintAgents } from "../agent/hint.ts";
import { approvalTable } from "./text.ts";

/** `agentcoord approval list`, also `agentcoord approvals` */
export const command = defineCommand({
  build: (command) =>
    command
      .addOption(
        choice("--status <status>", "only these", ["pending", "approved", "rejected", "expired"]),
      )
      .option("--by <name>", "only those this agent asked for")
      .option("--limit <n>", "most rows (default: 100)", integer("--limit"))
      .option("--cursor <cursor>", "where the page before ended"),
  examples: ["agentcoord approvals", "agentcoord approval list --status pending --json"],
  run: async (cli, { status, by, limit, cursor }) => {
    const { approvals, nextCursor } = await new Approvals(await cli.context()).list({
      ...given({ status, requestedBy: by, limit, cursor }),
    });
    if (approvals.length === 0) await hintAgents(cli, [by]);
    return new Page(approvals, nextCursor);
  },
  text: approvalTable,
});
