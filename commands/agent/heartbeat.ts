import { given } from "../../src/given.ts";
import { Agents } from "../../src/agent/agent.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { choice } from "../../src/cli/options.ts";
import { agentText } from "./text.ts";

/** `agentcoord agent heartbeat` */
export const command = defineCommand({
  build: (command) =>
    command
      .addOption(choice("--status <status>", "its own word", ["active", "idle", "blocked"]))
      .option("--working-on <text>", "what it is doing"),
  examples: [
    "agentcoord agent heartbeat --status blocked --working-on 'waiting for review' --agent ada",
  ],
  run: async (cli, { status, workingOn }) =>
    await new Agents(await cli.context()).heartbeat({
      ...given({ status, workingOn }),
    }),
  text: agentText,
});
