import { given } from "../../src/given.ts";
import { Board } from "../../src/board/board.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { NotFoundError } from "../../src/errors.ts";
import { unknownAgent } from "../agent/hint.ts";

/** `agentcoord inbox ack` */
export const command = defineCommand({
  build: (command) => command.argument("[id]", "the last message read (default: all there are)"),
  examples: ["agentcoord inbox ack msg_01JD3ZW5N7X9K2M4P6Q8R0S2T4 --agent bob"],
  run: async (cli, _options, id) => {
    const board = new Board(await cli.context());
    const { agent } = await cli.config();
    const unknown = agent === undefined ? undefined : await unknownAgent(cli, agent);
    // To count something as read for a name mistyped would make an agent of it; what was written to meant it.
    const isMeant = unknown?.isLike === false && (await board.addressed({ limit: 1 })).length > 0;
    if (unknown !== undefined && !isMeant) {
      throw new NotFoundError(unknown.message, { name: agent });
    }
    await board.ack(given({ upTo: id }));
    return { acked: id ?? "all" };
  },
  text: ({ acked }) => acked === "all" ? "Everything is read.\n" : `Read up to ${acked}.\n`,
});
