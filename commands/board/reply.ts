import { given } from "../../src/given.ts";
import { Board } from "../../src/board/board.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { textFrom } from "../../src/cli/input.ts";
import { choice, list } from "../../src/cli/options.ts";
import { hintAgents } from "../agent/hint.ts";
import { namedIn, threadText } from "./text.ts";

/** `agentcoord board reply` */
export const command = defineCommand({
  build: (command) =>
    command
      .argument("<id>", "the thread")
      .requiredOption("--message <text|->", "the text; @name reaches that agent's inbox")
      .option("--to <names>", "agents whose inbox it goes to", list("--to"))
      .addOption(
        choice("--status <status>", "the thread's status from now on", ["active", "waiting"]),
      )
      .option("--key <key>", "idempotency key: the same again appends nothing new"),
  examples: [
    "agentcoord board reply thr_01JD3ZW5N7X9K2M4P6Q8R0S2T4 --message 'looks good' --agent bob",
  ],
  run: async (cli, { message, to, status, key }, id) => {
    const thread = await new Board(await cli.context()).reply(id, {
      message: await textFrom(cli, message),
      ...given({ to, status, key }),
    });
    if (thread.reply !== undefined) await hintAgents(cli, namedIn(thread.reply));
    return thread;
  },
  text: threadText,
});
