import { Board } from "../../src/board/board.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { integer } from "../../src/cli/options.ts";
import { inboxText } from "../board/text.ts";

/** `agentcoord inbox` */
export const command = defineCommand({
  build: (command) =>
    command
      .option("--ack", "count what is shown as read")
      .option("--limit <n>", "most messages, the oldest unread (default: 100)", integer("--limit")),
  examples: ["agentcoord inbox --agent bob", "agentcoord inbox --ack --agent bob --json"],
  run: async (cli, { ack, limit = 100 }) => {
    const messages = await new Board(await cli.context()).inbox({ ack: ack ?? false, limit });
    if (messages.length === limit) {
      cli.note(`There may be more: ${ack ? "call it again" : "read on with --ack or --limit"}`);
    }
    return messages;
  },
  text: inboxText,
});
