import { defineCommand } from "../../src/cli/command.ts";
import { failBack } from "../../src/failback.ts";
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
`,
      ),
  examples: ["agentcoord store failback --now", "agentcoord store failback --now --json"],
  run: async (cli) => await failBack((await cli.context()).store),
  text: ({ moved, conflicts }) => {
    if (!moved) return "Nothing to move: the server decides already.\n";
    const rows = conflicts.map(({ kind, subject, outcome }) =>
      `  ${kind} ${printable(subject, Infinity)}: ${printable(outcome, Infinity)}\n`
    );
    return `Moved; the server decides again.\n${rows.join("")}`;
  },
});
