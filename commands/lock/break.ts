import { defineCommand } from "../../src/cli/command.ts";
import { Locks } from "../../src/lock/lock.ts";
import { printable } from "../../src/name.ts";

/** `agentcoord lock break` */
export const command = defineCommand({
  build: (command) =>
    command
      .argument("<path>", "exactly the path that is locked")
      .requiredOption("--reason <text>", "why; goes into the audit log")
      .option("--absolute", "allow a path outside the project"),
  examples: ["agentcoord lock break src/auth.ts --agent maria --reason 'ada is on holiday'"],
  run: async (cli, { reason, absolute }, path) =>
    await new Locks(await cli.context()).break(path, { reason, absolute: absolute ?? false }),
  text: (leases) =>
    leases.map(({ path, fence, holder }) =>
      `Broke ${printable(path, Infinity)} (fence ${fence}), held by ${holder}\n`
    ).join(""),
});
