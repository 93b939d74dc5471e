import { given } from "../../src/given.ts";
import { Approvals } from "../../src/approval/approval.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { textFrom } from "../../src/cli/input.ts";
import { duration, LEASE, list } from "../../src/cli/options.ts";
import { hintAgents } from "../agent/hint.ts";
import { approvalText } from "./text.ts";
import { onlyApproved } from "./wait.ts";

/** `agentcoord approval request` */
export const command = defineCommand({
  build: (command) =>
    command
      .argument("<type>", "kind of action, such as deploy")
      .requiredOption("--description <text|->", "what is to be done")
      .option(
        "--timeout <duration>",
        "how long there is to decide (default: 5m)",
        duration("--timeout", LEASE),
      )
      .option("--approvers <names>", "the only agents who may decide", list("--approvers"))
      .option("--digest <text>", "identifies exactly what is to be done")
      .option("--key <key>", "idempotency key: the same again asks nothing new")
      .option("--wait", "wait for the decision"),
  examples: [
    "agentcoord approval request deploy --description 'version 1.4.2' --agent ada",
    "agentcoord approval request deploy --description - --wait --timeout 1h --agent ada <plan.txt",
  ],
  run: async (cli, { description, timeout, approvers, digest, key, wait }, actionType) => {
    const approvals = new Approvals(await cli.context());
    const approval = await approvals.request({
      actionType,
      description: await textFrom(cli, description),
      ...given({ timeoutMs: timeout, approvers, digest, key }),
    });
    await hintAgents(cli, approvers ?? []);
    if (!wait) return approval;
    // In every mode: nobody can decide without the identifier.
    cli.tell(`Waiting for: agentcoord approve ${approval.id}`);
    const repeats = key !== undefined;
    return onlyApproved(await approvals.wait(approval.id), { retryable: !repeats });
  },
  text: approvalText,
});
