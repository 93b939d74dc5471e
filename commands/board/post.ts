import { given } from "../../src/given.ts";
import { Board } from "../../src/board/board.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { textFrom } from "../../src/cli/input.ts";
import { choice, list } from "../../src/cli/options.ts";
import { hintAgents } from "../agent/hint.ts";
import { namedIn, threadText } from "./text.ts";

/** `agentcoord board post` */
export const command = defineCommand({
  build: (command) =>
    command
      .argument("<title>", "one line")
      .option("--message <text|->", "the text; @name reaches that agent's inbox")
      .addOption(
        choice("--priority <priority>", "high reaches everybody's inbox (default: normal)", [
          "low",
          "normal",
          "high",
        ]),
      )
      .option("--tags <names>", "what it is about", list("--tags"))
      .option("--to <names>", "agents whose inbox it goes to", list("--to"))
      .option("--key <key>", "idempotency key: the same again posts nothing new"),
  examples: [
    "agentcoord board post 'Deployment Complete' --priority high --agent ada",
    "agentcoord board post 'Review please' --message '@bob see src/auth.ts' --agent ada",
  ],
  run: async (cli, { message, priority, tags, to, key }, title) => {
    const thread = await new Board(await cli.context()).post({
      title,
      ...(message === undefined ? {} : { message: await textFrom(cli, message) }),
      ...given({ priority, tags, to, key }),
    });
    await hintAgents(cli, namedIn(thread));
    return thread;
  },
  text: threadText,
});
