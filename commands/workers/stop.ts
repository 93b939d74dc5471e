import { defineCommand } from "../../src/cli/command.ts";
import { duration } from "../../src/cli/options.ts";
import { InvalidArgumentError } from "../../src/errors.ts";
import { workerTable } from "./text.ts";
import { spawnerOf } from "./spawner.ts";

/** How long a worker may go on with what it has unless said otherwise. */
const DRAIN_MS = 300_000;

/** `agentcoord workers stop` */
export const command = defineCommand({
  build: (command) =>
    command
      .argument("[name...]", "the workers")
      .option("--all", "every worker that lives")
      .option("--now", "do not wait for tasks under way: they are given back")
      .option(
        "--drain <duration>",
        "how long to wait for tasks under way (default: 5m)",
        duration("--drain"),
      ),
  examples: [
    "agentcoord workers stop w1 --agent ada",
    "agentcoord workers stop --all --now --agent ada",
  ],
  run: async (cli, { all, now, drain = DRAIN_MS }, names) => {
    if ((names.length === 0) === (all === undefined)) {
      throw new InvalidArgumentError("Name workers, or say --all", { field: "name" });
    }
    const spawner = await spawnerOf(cli);
    const chosen = all ? (await spawner.list()).map(({ name }) => name) : names;
    const drainMs = now ? 0 : drain;
    return await Promise.all(chosen.map((name) => spawner.terminate(name, { drainMs })));
  },
  text: workerTable,
});
