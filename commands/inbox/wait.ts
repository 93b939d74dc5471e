import { given } from "../../src/given.ts";
import { checkInteger } from "../../src/check.ts";
import { LIMITS } from "../../src/name.ts";
import { Board } from "../../src/board/board.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { duration, integer } from "../../src/cli/options.ts";
import { unknownAgent } from "../agent/hint.ts";
import { inboxText } from "../board/text.ts";
import { countAsRead } from "./read.ts";

/** `agentcoord inbox wait` */
export const command = defineCommand({
  build: (command) =>
    command
      .option(
        "--timeout <duration>",
        "give up after this long (default: 5m)",
        duration("--timeout"),
      )
      .option("--ack", "count what is shown as read")
      .option("--limit <n>", "most messages, the oldest unread (default: 100)", integer("--limit")),
  examples: ["agentcoord inbox wait --timeout 10m --ack --agent bob --json"],
  run: async (cli, { timeout, ack, limit }) => {
    const board = new Board(await cli.context());
    // Before the store is asked who is known: bad input costs nothing.
    checkInteger(limit ?? 1, "limit", { min: 1, max: LIMITS.batch });
    const { agent } = await cli.config();
    const unknown = agent === undefined ? undefined : await unknownAgent(cli, agent);
    if (unknown?.isLike) cli.warn(unknown.message);
    const options = given({ timeoutMs: timeout, limit });
    const messages = unknown === undefined
      ? await board.inboxWait(options)
      : await board.addressedWait(options);
    if (ack) countAsRead(cli, board, messages, unknown);
    return messages;
  },
  text: inboxText,
});
