import { given } from "../../src/given.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { integer } from "../../src/cli/options.ts";
import { table } from "../../src/cli/output.ts";
import { formatDuration } from "../../src/duration.ts";
import { Failover } from "../../src/failover.ts";
import { printable } from "../../src/name.ts";

/** `agentcoord store journal` */
export const command = defineCommand({
  build: (command) =>
    command
      .option("--limit <n>", "most records (default: 100)", integer("--limit"))
      .addHelpText(
        "after",
        `
While a server cannot be reached, the directory beside it may stand in for it. These are the records that
were changed there and are not on the server yet, the oldest change first. They are moved once the server
is back; agentcoord store failback --now does it at once.
`,
      ),
  examples: ["agentcoord store journal", "agentcoord store journal --limit 20 --json"],
  run: async (cli, { limit }) => await new Failover(await cli.context()).journal(given({ limit })),
  text: async ({ records, total, carried }, view) => {
    const rows = await table(
      records,
      [
        { title: "KIND", value: ({ kind }) => kind },
        { title: "RECORD", value: ({ id }) => printable(id, Infinity) },
        { title: "CHANGE", value: ({ change }) => change },
        {
          title: "SINCE",
          value: ({ sinceMs }) => `${formatDuration(Math.max(0, view.nowMs - sinceMs))} ago`,
        },
      ],
      view,
      "Nothing waits to be moved.",
    );
    const left = total - records.length;
    const more = left === 0 ? "" : `${left} more; --limit shows them.\n`;
    const told = carried === 0 ? "" : `Besides, ${leasesText(carried)} held since before.\n`;
    return `${rows}${more}${told}`;
  },
});

function leasesText(count: number): string {
  return count === 1 ? "one lease is" : `${count} leases are`;
}
