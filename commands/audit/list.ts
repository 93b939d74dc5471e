import { given } from "../../src/given.ts";
import { Audit } from "../../src/audit/audit.ts";
import { defineCommand, Page } from "../../src/cli/command.ts";
import { instant, integer } from "../../src/cli/options.ts";
import { hintAgents } from "../agent/hint.ts";
import { entryList } from "./text.ts";

/** `agentcoord audit list` */
export const command = defineCommand({
  build: (command) =>
    command
      .option("--by <name>", "only this agent's")
      .option("--type <type>", "only this kind of decision")
      .option(
        "--since <time>",
        "only from then on: 2h ago is 2h, or an ISO time",
        instant("--since"),
      )
      .option("--limit <n>", "most entries (default: 100)", integer("--limit"))
      .option("--cursor <cursor>", "where the page before ended"),
  examples: [
    "agentcoord audit list --by ada",
    "agentcoord audit list --type deployment --since 2h",
  ],
  run: async (cli, { by, type, since, limit, cursor }) => {
    const { entries, nextCursor } = await new Audit(await cli.context()).list({
      ...given({ agent: by, type, sinceMs: since, limit, cursor }),
    });
    if (entries.length === 0) await hintAgents(cli, [by]);
    return new Page(entries, nextCursor);
  },
  text: entryList,
});
