import { given } from "../../src/given.ts";
import { Agents } from "../../src/agent/agent.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { duration, LEASE, list } from "../../src/cli/options.ts";
import { checkName } from "../../src/name.ts";
import { agentText } from "./text.ts";

/** `agentcoord agent register` */
export const command = defineCommand({
  build: (command) =>
    command
      .option("--name <name>", "name of the agent (default: the acting agent's)")
      .option("--role <text>", "what it is for, such as engineer")
      .option("--working-on <text>", "what it is doing")
      .option("--tags <names>", "what it can do", list("--tags"))
      .option(
        "--ttl <duration>",
        "how long each heartbeat is good for (default: 60s)",
        duration("--ttl", LEASE),
      )
      .option("--takeover", "take the name even when a live agent has it"),
  examples: ["agentcoord agent register --name ada --role engineer --tags backend,deploy"],
  run: async (cli, { name, role, workingOn, tags, ttl, takeover }) => {
    const context = await cli.context(
      name === undefined ? {} : { agent: checkName(name, "--name") },
    );
    return await new Agents(context).register({
      ...given({ role, workingOn, tags, ttlMs: ttl }),
      takeover: takeover ?? false,
    });
  },
  text: agentText,
});
