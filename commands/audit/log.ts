import { given } from "../../src/given.ts";
import { Audit } from "../../src/audit/audit.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { textFrom } from "../../src/cli/input.ts";
import { list } from "../../src/cli/options.ts";
import { entryText } from "./text.ts";

/** `agentcoord audit log` */
export const command = defineCommand({
  build: (command) =>
    command
      .argument("<type>", "kind of decision, such as deployment")
      .requiredOption("--context <text|->", "what was known")
      .requiredOption("--reason <text>", "why it was decided so")
      .option("--refs <refs>", "what it is about: identifiers, paths, URLs", list("--refs"))
      .option("--key <key>", "idempotency key: the same again records nothing new"),
  examples: [
    "agentcoord audit log deployment --context 'CI is green' --reason 'the fix cannot wait' --agent ada",
  ],
  run: async (cli, { context, reason, refs, key }, decisionType) =>
    await new Audit(await cli.context()).log({
      decisionType,
      context: await textFrom(cli, context),
      reason,
      ...given({ refs, key }),
    }),
  text: entryText,
});
