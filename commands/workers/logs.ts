import { defineCommand, Exit } from "../../src/cli/command.ts";
import { count } from "../../src/cli/options.ts";
import { given } from "../../src/given.ts";
import { printable } from "../../src/name.ts";
import { spawnerOf } from "./spawner.ts";

/** `agentcoord workers logs` */
export const command = defineCommand({
  build: (command) =>
    command
      .argument("<name>", "the worker")
      .option(
        "--tail <lines>",
        "only the last lines",
        count("--tail", { min: 0, max: 1_000_000 }),
      )
      .option("-f, --follow", "go on until the worker has ended")
      .addHelpText(
        "after",
        "\nWhat each task's command wrote is in the files of --log-dir. With --json each line is a JSON string.",
      ),
  examples: ["agentcoord workers logs w1 --tail 20", "agentcoord workers logs w1 --follow"],
  run: async (cli, { tail, follow }, name) => {
    const spawner = await spawnerOf(cli);
    let rest = "";
    for await (const text of spawner.logs(name, given({ tail, follow }))) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) await cli.line(line, `${printable(line, Infinity)}\n`);
    }
    if (rest !== "") await cli.line(rest, `${printable(rest, Infinity)}\n`);
    return new Exit(0);
  },
  text: () => "",
});
