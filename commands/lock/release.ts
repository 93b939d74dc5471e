import { given } from "../../src/given.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { integer } from "../../src/cli/options.ts";
import { InvalidArgumentError } from "../../src/errors.ts";
import { Locks } from "../../src/lock/lock.ts";
import { leaseLines } from "./text.ts";

/** `agentcoord lock release` */
export const command = defineCommand({
  build: (command) =>
    command
      .argument("[path...]", "locked paths")
      .option("--all", "every lock the acting agent holds")
      .option("--fence <n>", "only under this fence", integer("--fence"))
      .option("--absolute", "allow paths outside the project"),
  examples: [
    "agentcoord lock release src/auth.ts --agent ada",
    "agentcoord lock release --all --agent ada",
  ],
  run: async (cli, { all, fence, absolute }, paths) => {
    if ((all ?? false) === (paths.length > 0) || (all && fence !== undefined)) {
      throw new InvalidArgumentError(
        "Name paths to release, or use --all without paths and --fence",
        { field: "paths", value: paths },
      );
    }
    const locks = new Locks(await cli.context());
    return all ? await locks.releaseAll() : await locks.release(paths, {
      ...given({ fence }),
      absolute: absolute ?? false,
    });
  },
  text: (leases) => leases.length === 0 ? "Nothing to release.\n" : leaseLines("Released", leases),
});
