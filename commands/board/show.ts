import { given } from "../../src/given.ts";
import { Board } from "../../src/board/board.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { integer } from "../../src/cli/options.ts";
import { threadText } from "./text.ts";

/** Most replies that one call shows. */
const MAX_REPLIES = 1000;

/** `agentcoord board show` */
export const command = defineCommand({
  build: (command) =>
    command
      .argument("<id>", "the thread")
      .option("--limit <n>", "most replies, the newest (default: 1000)", integer("--limit"))
      .option("--cursor <id>", "only replies before this one"),
  examples: ["agentcoord board show thr_01JD3ZW5N7X9K2M4P6Q8R0S2T4 --json"],
  run: async (cli, { limit = MAX_REPLIES, cursor }, id) => {
    // One more than wanted tells whether older ones are left.
    const asked = limit >= 1 && limit < MAX_REPLIES ? limit + 1 : limit;
    const thread = await new Board(await cli.context()).show(id, {
      limit: asked,
      ...given({ cursor }),
    });
    const found = thread.replies ?? [];
    const replies = found.slice(-limit);
    const isMore = asked > limit
      ? found.length > limit
      : found.length === limit && found.length < thread.replyCount;
    if (isMore) cli.note(`Older replies: --cursor ${replies[0]!.id}`);
    return { ...thread, replies };
  },
  text: threadText,
});
