/**
 * How approvals read to people.
 * @module
 */
import type { Approval } from "../../src/approval/model.ts";
import { ago, safeText, table, type View } from "../../src/cli/output.ts";

/** A table of approvals. */
export function approvalTable(approvals: readonly Approval[], view: View): Promise<string> {
  return table(
    approvals,
    [
      { title: "ID", value: ({ id }) => id },
      { title: "STATUS", value: ({ status }) => status },
      { title: "TYPE", value: ({ actionType }) => actionType },
      { title: "BY", value: ({ requestedBy }) => requestedBy },
      { title: "ASKED", value: ({ createdAtMs }) => ago(view, createdAtMs) },
      { title: "DECIDED", value: (approval) => decided(approval, view) },
      { title: "DESCRIPTION", value: ({ description }) => description.split("\n")[0] ?? "" },
    ],
    view,
    "No approvals.",
  );
}

/** One approval in full. */
export function approvalText(approval: Approval, view: View): string {
  const { id, actionType, requestedBy, description, comment, approvers } = approval;
  const who = approvers === undefined ? "anybody else" : approvers.join(", ");
  const lines = [
    `${id}  ${approval.status}`,
    `  ${actionType}, asked by ${requestedBy} ${ago(view, approval.createdAtMs)}; decides: ${who}`,
    `  ${decided(approval, view)}`,
    // Behind a mark, so that nothing written by an agent looks like a line of ours.
    ...(comment === undefined ? [] : marked(">", comment)),
    ...marked("|", description),
  ];
  return lines.join("\n") + "\n";
}

function marked(mark: string, text: string): string[] {
  return safeText(text).split("\n").map((line) => `  ${mark} ${line}`.trimEnd());
}

function decided({ status, decidedBy, decidedAtMs, expiresAtMs }: Approval, view: View): string {
  if (decidedBy !== undefined) return `${status} by ${decidedBy} ${ago(view, decidedAtMs ?? 0)}`;
  return status === "expired"
    ? `expired ${ago(view, expiresAtMs)}`
    : `expires ${ago(view, expiresAtMs)}`;
}
