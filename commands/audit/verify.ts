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
was rewritten with it: the hashes and links behind it, the store's count, and its event.

It does not prove that nobody with access to the store's files or server
  - computed the chain anew from some entry on, with its events and count: keep the head that it prints
    elsewhere, and look whether an entry with that link is still there;
  - changed an idempotency key: those are not sealed;
  - changed an instant within what its neighbours allow, once its event is no longer kept or was moved
    after an outage, or all events were taken away.
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
