import { given } from "../../src/given.ts";
import { Audit } from "../../src/audit/audit.ts";
import { defineCommand, Exit } from "../../src/cli/command.ts";
import { integer } from "../../src/cli/options.ts";
import { checkName } from "../../src/name.ts";
import { entryText } from "./text.ts";

/** `agentcoord audit tail` */
export const command = defineCommand({
  build: (command) =>
    command
      .option("--by <name>", "only this agent's")
      .option("--type <type>", "only this kind of decision")
      .option("--limit <n>", "entries to begin with (default: 10)", integer("--limit"))
      .option("-f, --follow", "go on as entries are logged"),
  examples: ["agentcoord audit tail", "agentcoord audit tail --follow --json"],
  run: async (cli, { by, type, limit = 10, follow }) => {
    const audit = new Audit(await cli.context());
    const filter = {
      ...(by === undefined ? {} : { agent: checkName(by, "--by") }),
      ...(type === undefined ? {} : { type: checkName(type, "--type") }),
    };
    // Where to go on when nothing matches yet: looked up first, so that nothing slips in between.
    const end = follow ? (await audit.list({ limit: 1 })).entries[0] : undefined;
    const { entries } = await audit.list({ ...filter, limit });
    for (const entry of entries) await cli.line(entry, entryText(entry, cli.view));
    if (follow) {
      const last = (entries.at(-1) ?? end)?.id;
      const after = given({ after: last });
      for await (const entry of audit.tail({ ...filter, ...after })) {
        await cli.line(entry, entryText(entry, cli.view));
      }
    }
    return new Exit(0);
  },
  text: () => "",
});
