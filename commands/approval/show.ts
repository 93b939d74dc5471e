import { Approvals } from "../../src/approval/approval.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { approvalText } from "./text.ts";

/** `agentcoord approval show` */
export const command = defineCommand({
  build: (command) => command.argument("<id>", "the approval"),
  examples: ["agentcoord approval show apr_01JD3ZW5N7X9K2M4P6Q8R0S2T4 --json"],
  run: async (cli, _options, id) => await new Approvals(await cli.context()).show(id),
  text: approvalText,
});
