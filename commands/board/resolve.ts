import { Board } from "../../src/board/board.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { textFrom } from "../../src/cli/input.ts";
import { threadText } from "./text.ts";

/** `agentcoord board resolve` */
export const command = defineCommand({
  build: (command) =>
    command
      .argument("<id>", "the thread")
      .option("--message <text|->", "a last reply"),
  examples: [
    "agentcoord board resolve thr_01JD3ZW5N7X9K2M4P6Q8R0S2T4 --message 'done in 1.4.2' --agent ada",
  ],
  run: async (cli, { message }, id) =>
    await new Board(await cli.context()).resolve(
      id,
      message === undefined ? {} : { message: await textFrom(cli, message) },
    ),
  text: threadText,
});
