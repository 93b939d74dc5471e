import { Approvals } from "../../src/approval/approval.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { textFrom } from "../../src/cli/input.ts";
import { approvalText } from "./text.ts";

/** `agentcoord approve` */
export const command = defineCommand({
  build: (command) =>
    command
      .argument("<id>", "the approval")
      .option("--comment <text|->", "what to tell the requester"),
  examples: [
    "agentcoord approve apr_01JD3ZW5N7X9K2M4P6Q8R0S2T4 --agent maria --comment 'go ahead'",
  ],
  run: async (cli, { comment }, id) =>
    await new Approvals(await cli.context()).approve(
      id,
      comment === undefined ? {} : { comment: await textFrom(cli, comment) },
    ),
  text: approvalText,
});
