import { Approvals } from "../../src/approval/approval.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { textFrom } from "../../src/cli/input.ts";
import { approvalText } from "./text.ts";

/** `agentcoord reject` */
export const command = defineCommand({
  build: (command) =>
    command
      .argument("<id>", "the approval")
      .option("--comment <text|->", "what to tell the requester"),
  examples: [
    "agentcoord reject apr_01JD3ZW5N7X9K2M4P6Q8R0S2T4 --agent maria --comment 'not on a Friday'",
  ],
  run: async (cli, { comment }, id) =>
    await new Approvals(await cli.context()).reject(
      id,
      comment === undefined ? {} : { comment: await textFrom(cli, comment) },
    ),
  text: approvalText,
});
