import { defineCommand } from "../../src/cli/command.ts";
import { integer } from "../../src/cli/options.ts";
import { Locks } from "../../src/lock/lock.ts";
import { leaseLines } from "./text.ts";

/** `agentcoord lock verify` */
export const command = defineCommand({
  build: (command) =>
    command
      .argument("<path>", "a locked path, or one below it")
      .requiredOption("--fence <n>", "the fence to check", integer("--fence"))
      .option("--absolute", "allow a path outside the project"),
  examples: ['agentcoord lock verify deploy/ --fence "$AGENTCOORD_LOCK_FENCE" && ./deploy.sh'],
  run: async (cli, { fence, absolute }, path) => [
    await new Locks(await cli.context()).verify(path, { fence, absolute: absolute ?? false }),
  ],
  text: (leases, view) => leaseLines("Current:", leases, view),
});
