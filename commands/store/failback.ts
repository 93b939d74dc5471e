import { defineCommand } from "../../src/cli/command.ts";
import { Failover } from "../../src/failover.ts";
import { printable } from "../../src/name.ts";

/** `agentcoord store failback` */
export const command = defineCommand({
  build: (command) =>
    command
      .requiredOption("--now", "do not wait until a running agent does it")
      .addHelpText(
        "after",
        `
While a server cannot be reached, the directory beside it may stand in for it; status says so. Agents that
run bring everything back by themselves once the server answers. This does it where none runs.

What the server could not take as it was is listed, and stays in the event stream: agentcoord events --type
store.conflict. The exit code is 0 also where nothing was to be moved, and 7 while the server cannot be used.
`,
      ),
  examples: ["agentcoord store failback --now", "agentcoord store failback --now --json"],
  run: async (cli) => await new Failover(await cli.context()).failback(),
  text: ({ moved, counts, conflicts }) => {
    if (!moved) return "Nothing to move: the server decides already.\n";
    const rows = conflicts.map(({ kind, subject, outcome }) =>
      `  ${kind} ${printable(subject, Infinity)}: ${printable(outcome, Infinity)}\n`
    );
    const count = Object.values(counts).reduce((sum, n) => sum + n, 0);
    const what = count === 0
      ? "Nothing was changed"
      : `${count} ${count === 1 ? "record" : "records"} moved`;
    return `${what}; the server decides again.\n${rows.join("")}`;
  },
});
