import { checkInteger } from "../../src/check.ts";
import { Board } from "../../src/board/board.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { integer } from "../../src/cli/options.ts";
import { LIMITS, quote } from "../../src/name.ts";
import { unknownAgent } from "../agent/hint.ts";
import { inboxText } from "../board/text.ts";
import { countAsRead } from "./read.ts";

/** `agentcoord inbox` */
export const command = defineCommand({
  build: (command) =>
    command
      .option("--ack", "count what is shown as read")
      .option("--limit <n>", "most messages, the oldest unread (default: 100)", integer("--limit")),
  examples: ["agentcoord inbox --agent bob", "agentcoord inbox --ack --agent bob --json"],
  run: async (cli, { ack, limit = 100 }) => {
    const board = new Board(await cli.context());
    // Before the store is asked who is known: bad input costs nothing.
    checkInteger(limit, "limit", { min: 1, max: LIMITS.batch });
    const { agent } = await cli.config();
    const unknown = agent === undefined ? undefined : await unknownAgent(cli, agent);
    const messages = unknown === undefined
      ? await board.inbox({ limit })
      : await board.addressed({ limit });
    if (unknown !== undefined && (unknown.isLike || messages.length === 0)) {
      cli.warn(unknown.isLike ? unknown.message : newcomer(agent!));
    }
    if (ack) countAsRead(cli, board, messages, unknown);
    if (messages.length === limit) {
      cli.note(`There may be more: ${ack ? "call it again" : "read on with --ack or --limit"}`);
    }
    return messages;
  },
  text: inboxText,
});

/** To read registers nobody, so that a name mistyped does not become an agent. */
function newcomer(name: string): string {
  return `No agent is named ${
    quote(name)
  } yet; with "agentcoord agent register" it also gets what goes to everybody`;
}
