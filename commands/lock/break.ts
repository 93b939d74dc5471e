import { defineCommand } from "../../src/cli/command.ts";
import { Locks } from "../../src/lock/lock.ts";
import { leaseLines } from "./text.ts";

/** `agentcoord lock break` */
export const command = defineCommand({
  build: (command) =>
    command
      .argument("<path>", "the locked path")
      .requiredOption("--reason <text>", "why; goes into the audit log")
      .option("--absolute", "allow a path outside the project"),
  examples: ["agentcoord lock break src/auth.ts --agent maria --reason 'ada is on holiday'"],
  run: async (cli, { reason, absolute }, path) =>
    await new Locks(await cli.context()).break(path, { reason, absolute: absolute ?? false }),
  text: (leases) => leaseLines("Broke", leases),
});
