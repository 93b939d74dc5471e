import { Board } from "../../src/board/board.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { integer } from "../../src/cli/options.ts";
import { threadText } from "./text.ts";

/** `agentcoord board show` */
export const command = defineCommand({
  build: (command) =>
    command
      .argument("<id>", "the thread")
      .option("--limit <n>", "most replies, the newest (default: 1000)", integer("--limit"))
      .option("--cursor <id>", "only replies before this one"),
  examples: ["agentcoord board show thr_01JD3ZW5N7X9K2M4P6Q8R0S2T4 --json"],
  run: async (cli, { limit = 1000, cursor }, id) => {
    const thread = await new Board(await cli.context()).show(id, {
      limit,
      ...(cursor === undefined ? {} : { cursor }),
    });
    const { replies = [], replyCount } = thread;
    const [oldest] = replies;
    if (oldest !== undefined && replies.length === limit && replies.length < replyCount) {
      cli.note(`Older replies: --cursor ${oldest.id}`);
    }
    return thread;
  },
  text: threadText,
});
