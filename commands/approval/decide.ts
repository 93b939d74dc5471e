/**
 * What `approve` and `reject` have in common.
 * @module
 */
import { Approvals } from "../../src/approval/approval.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { textFrom } from "../../src/cli/input.ts";
import { approvalText } from "./text.ts";

/** The command that decides in this way. */
export function decideCommand(verb: "approve" | "reject", example: string) {
  return defineCommand({
    build: (command) =>
      command
        .argument("<id>", "the approval")
        .option("--comment <text|->", "what to tell the requester"),
    examples: [example],
    run: async (cli, { comment }, id) => {
      const said = comment === undefined ? {} : { comment: await textFrom(cli, comment) };
      return await new Approvals(await cli.context())[verb](id, said);
    },
    text: approvalText,
  });
}
