import { given } from "../../src/given.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { Locks } from "../../src/lock/lock.ts";
import { hintAgents } from "../agent/hint.ts";
import { leaseTable } from "./text.ts";

/** `agentcoord lock list`, also `agentcoord locks` */
export const command = defineCommand({
  build: (command) => command.option("--holder <name>", "only this agent's"),
  examples: ["agentcoord locks", "agentcoord lock list --holder ada --json"],
  run: async (cli, { holder }) => {
    const leases = await new Locks(await cli.context()).list(given({ holder }));
    if (leases.length === 0) await hintAgents(cli, [holder]);
    return leases;
  },
  text: leaseTable,
});
