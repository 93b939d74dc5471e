import { given } from "../../src/given.ts";
import { Board } from "../../src/board/board.ts";
import { defineCommand, Page } from "../../src/cli/command.ts";
import { choice, integer, list } from "../../src/cli/options.ts";
import { hintAgents } from "../agent/hint.ts";
import { threadTable } from "./text.ts";

/** `agentcoord board list`, also `agentcoord board` */
export const command = defineCommand({
  build: (command) =>
    command
      .addOption(choice("--status <status>", "only these", ["active", "waiting", "resolved"]))
      .option("--tags <names>", "only threads with all of these tags", list("--tags"))
      .option("--by <name>", "only threads this agent opened")
      .option("--limit <n>", "most rows (default: 100)", integer("--limit"))
      .option("--cursor <cursor>", "where the page before ended"),
  examples: ["agentcoord board", "agentcoord board list --status active --tags release --json"],
  run: async (cli, { status, tags, by, limit, cursor }) => {
    const { threads, nextCursor } = await new Board(await cli.context()).list({
      ...given({ status, tags, author: by, limit, cursor }),
    });
    if (threads.length === 0) await hintAgents(cli, [by]);
    return new Page(threads, nextCursor);
  },
  text: threadTable,
});
