import { given } from "../../src/given.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { duration, LEASE } from "../../src/cli/options.ts";
import { Locks } from "../../src/lock/lock.ts";
import { leaseLines } from "./text.ts";

/** `agentcoord lock acquire` */
export const command = defineCommand({
  build: (command) =>
    command
      .argument("<path...>", "files or directories; each with everything below it")
      .option("--ttl <duration>", "length of the lease (default: 5m)", duration("--ttl", LEASE))
      .option("--wait <duration>", "queue for it this long (default: 0)", duration("--wait"))
      .option("--shared", "share it with other shared holders")
      .option("--intent <text>", "what it is for; shown to whoever is refused")
      .option("--reentrant", "renew what this agent already holds")
      .option("--absolute", "allow paths outside the project"),
  examples: [
    "agentcoord lock acquire src/auth.ts --agent ada --intent 'fix login'",
    "agentcoord lock acquire src docs --agent ada --wait 2m --json",
  ],
  run: async (cli, { ttl, wait, shared, intent, reentrant, absolute }, paths) =>
    await new Locks(await cli.context()).acquire(paths, {
      mode: shared ? "shared" : "exclusive",
      ...given({ ttlMs: ttl, waitMs: wait, intent }),
      reentrant: reentrant ?? false,
      absolute: absolute ?? false,
    }),
  text: (leases, view) => leaseLines("Locked", leases, view),
});
