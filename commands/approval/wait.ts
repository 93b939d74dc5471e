import { type Approval, Approvals } from "../../src/approval/approval.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { duration } from "../../src/cli/options.ts";
import { DeniedError, TimeoutError } from "../../src/errors.ts";
import { approvalText } from "./text.ts";

/** `agentcoord approval wait` */
export const command = defineCommand({
  build: (command) =>
    command
      .argument("<id>", "the approval")
      .option("--timeout <duration>", "give up after this long", duration("--timeout")),
  examples: ["agentcoord approval wait apr_01JD3ZW5N7X9K2M4P6Q8R0S2T4 && ./deploy.sh"],
  run: async (cli, { timeout }, id) => {
    const approvals = new Approvals(await cli.context());
    return onlyApproved(
      await approvals.wait(id, timeout === undefined ? {} : { timeoutMs: timeout }),
    );
  },
  text: approvalText,
});

/**
 * The approval, when it was given: what comes after `&&` must not run otherwise.
 *
 * @throws {DeniedError} when it was rejected.
 * @throws {TimeoutError} when nobody decided in time.
 */
export function onlyApproved(approval: Approval): Approval {
  const { id, status, decidedBy, comment } = approval;
  if (status === "approved") return approval;
  const details = { approval };
  if (status === "expired") throw new TimeoutError(`Nobody decided on ${id} in time`, details);
  const why = comment === undefined ? "" : `: ${comment}`;
  throw new DeniedError(`${decidedBy} rejected ${id}${why}`, details);
}
