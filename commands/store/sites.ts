import { checkSite, Failover } from "../../src/failover.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { table } from "../../src/cli/output.ts";
import { given } from "../../src/given.ts";
import { formatDuration } from "../../src/duration.ts";
import { printable } from "../../src/name.ts";

/** `agentcoord store sites` */
export const command = defineCommand({
  build: (command) =>
    command
      .option("--forget <id>", "take this one off the list first, until it is heard of again")
      .addHelpText(
        "after",
        `
A site is all agents that share one directory beside a server, or one host whose agents have none
(none:HOST). The server remembers each for 24 hours after its agents last acted.
`,
      ),
  examples: ["agentcoord store sites", "agentcoord store sites --forget none:old-laptop --json"],
  run: async (cli, { forget }) => {
    if (forget !== undefined) checkSite(forget, "--forget");
    const sites = await new Failover(await cli.context()).sites(given({ forget }));
    return sites.map(({ site, lastSeenMs }) => ({ id: site, lastSeenMs }));
  },
  text: async (sites, view) =>
    await table(
      sites,
      [
        { title: "SITE", value: ({ id }) => printable(id, Infinity) },
        {
          title: "LAST SEEN",
          value: ({ lastSeenMs }) => `${formatDuration(Math.max(0, view.nowMs - lastSeenMs))} ago`,
        },
      ],
      view,
      "No site uses this namespace.",
    ),
});
