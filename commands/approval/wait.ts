import { given } from "../../src/given.ts";
import type { Approval } from "../../src/approval/model.ts";
import { Approvals } from "../../src/approval/approval.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { duration } from "../../src/cli/options.ts";
import { CoordError, DeniedError } from "../../src/errors.ts";
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
    const options = given({ timeoutMs: timeout });
    return onlyApproved(await approvals.wait(id, options), { retryable: false });
  },
  text: approvalText,
});

/**
 * The approval, when it was given: what comes after `&&` must not run otherwise.
 *
 * @param retryable whether the same command line, called again, may find it given: one that waits for
 * an expired approval never will
 * @throws {DeniedError} when it was rejected.
 * @throws {CoordError} `timeout`, when nobody decided in time.
 */
export function onlyApproved(
  approval: Approval,
  { retryable }: { readonly retryable: boolean },
): Approval {
  const { id, status, decidedBy, comment } = approval;
  if (status === "approved") return approval;
  const details = { approval };
  if (status === "expired") {
    throw new CoordError("timeout", `Nobody decided on ${id} in time`, { details, retryable });
  }
  const why = comment === undefined ? "" : `: ${comment}`;
  throw new DeniedError(`${decidedBy} rejected ${id}${why}`, details);
}
