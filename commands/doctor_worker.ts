import { defineCommand, Exit } from "../src/cli/command.ts";
import { integer } from "../src/cli/options.ts";
import { selftestWork } from "../src/cli/selftest_worker.ts";

/** `agentcoord doctor-worker`: one process of `agentcoord doctor --selftest`, which starts it. */
export const command = defineCommand({
  build: (command) =>
    command
      .argument("<file>", "the file with the number to fight for")
      .requiredOption("--until <ms>", "instant at which the fight ends", integer("--until")),
  examples: [],
  run: async (cli, { until }, file) => {
    const report = await selftestWork(await cli.context(), file, until);
    await cli.line(report, "");
    return new Exit(0);
  },
  text: () => "",
});
