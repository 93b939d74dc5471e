import { given } from "../../src/given.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { duration, integer, LEASE } from "../../src/cli/options.ts";
import { Locks } from "../../src/lock/lock.ts";
import { leaseLines } from "./text.ts";

/** `agentcoord lock renew` */
export const command = defineCommand({
  build: (command) =>
    command
      .argument("<path...>", "locked paths: all of them, or none")
      .option(
        "--ttl <duration>",
        "counted from now, never shorter than it is (default: as acquired)",
        duration("--ttl", LEASE),
      )
      .option("--fence <n>", "only under this fence", integer("--fence"))
      .option("--absolute", "allow paths outside the project"),
  examples: ["agentcoord lock renew src/auth.ts --agent ada --ttl 10m"],
  run: async (cli, { ttl, fence, absolute }, paths) =>
    await new Locks(await cli.context()).renew(paths, {
      ...given({ ttlMs: ttl, fence }),
      absolute: absolute ?? false,
    }),
  text: (leases, view) => leaseLines("Renewed", leases, view),
});
