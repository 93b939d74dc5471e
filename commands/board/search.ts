import { given } from "../../src/given.ts";
import { Board } from "../../src/board/board.ts";
import { defineCommand, Page } from "../../src/cli/command.ts";
import { integer } from "../../src/cli/options.ts";
import { threadTable } from "./text.ts";

/** `agentcoord board search` */
export const command = defineCommand({
  build: (command) =>
    command
      .argument("<words...>", "all of them must occur, in the title, the message or a reply")
      .option("--limit <n>", "most rows (default: 100)", integer("--limit"))
      .option("--cursor <cursor>", "where the page before ended"),
  examples: ["agentcoord board search login outage"],
  run: async (cli, { limit, cursor }, words) => {
    const { threads, nextCursor } = await new Board(await cli.context()).search(words.join(" "), {
      ...given({ limit, cursor }),
    });
    return new Page(threads, nextCursor);
  },
  text: threadTable,
});
