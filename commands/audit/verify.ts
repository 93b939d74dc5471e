import { Audit } from "../../src/audit/audit.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { ConflictError } from "../../src/errors.ts";

/** `agentcoord audit verify` */
export const command = defineCommand({
  build: (command) =>
    command.addHelpText(
      "after",
      `
Finds an entry that was changed, moved, added or taken away, as long as not everything that tells of it
was rewritten with it: the hashes and links behind it, the store's count, and its event. It proves nothing
against somebody who computes the whole chain anew: keep the head it prints elsewhere, and compare.
`,
    ),
  examples: ["agentcoord audit verify --json"],
  run: async (cli) => {
    const verification = await new Audit(await cli.context()).verify();
    if (verification.ok) return verification;
    const { id, seq, why } = verification.broken;
    throw new ConflictError(
      `The audit chain is broken at entry ${seq}${id === null ? "" : ` (${id})`}: ${why}`,
      { ...verification },
      false,
    );
  },
  text: ({ entries, head }) =>
    `The chain of ${entries} entries is intact${head && `; head ${head}`}.\n`,
});
