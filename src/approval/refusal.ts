/**
 * What to tell an agent whose call on an approval was refused.
 * @module
 */
import { formatDuration } from "../duration.ts";
import {
  ConflictError,
  type CoordError,
  DeniedError,
  NotFoundError,
  TimeoutError,
} from "../errors.ts";
import { printable, quote } from "../name.ts";
import type { Approval } from "./model.ts";
import type { DecideOutcome, Decision, Seen, UseOutcome } from "./store.ts";

/** No approval has this identifier. */
export function unknownApproval(id: unknown): NotFoundError {
  return new NotFoundError(`No approval ${quote(id)}; see the approvals there are with list`, {
    id: typeof id === "string" ? printable(id) : quote(id),
  });
}

/** The wait ended and nobody had decided. */
export function gaveUp({ approval, nowMs }: Seen, waitMs: number): TimeoutError {
  const { id, expiresAtMs } = approval;
  return new TimeoutError(
    `Gave up waiting for approval ${id}: it is still pending, for ${
      formatDuration(expiresAtMs - nowMs)
    } more`,
    { id, timeoutMs: waitMs, expiresAtMs },
  );
}

/** Why a decision was refused. */
export function decisionRefused(
  { id, status }: Decision,
  actor: string,
  outcome: Exclude<DecideOutcome, { kind: "decided" }>,
): CoordError {
  if (outcome.kind === "not_found") return unknownApproval(id);
  const { approval } = outcome;
  const cannot = `Cannot ${status === "approved" ? "approve" : "reject"} ${id}`;
  switch (outcome.kind) {
    case "own":
      return new DeniedError(
        `${cannot}: ${quote(actor)} asked for it; somebody else has to decide`,
        { id, agent: actor, requestedBy: approval.requestedBy },
      );
    case "not_approver":
      return new DeniedError(
        `${cannot}: ${quote(actor)} is not one of its approvers (${
          approval.approvers?.join(", ")
        })`,
        { id, agent: actor, approvers: approval.approvers },
      );
    case "closed":
      return new ConflictError(
        `${cannot}: ${fateOf(outcome)}${
          approval.status === "expired"
            ? `; ${quote(approval.requestedBy)} has to request it again`
            : ""
        }`,
        factsOf(approval),
        false,
      );
  }
}

/** Why using an approval up was refused. */
export function useRefused(
  id: string,
  actor: string,
  outcome: Exclude<UseOutcome, { kind: "used" }>,
): CoordError {
  if (outcome.kind === "not_found") return unknownApproval(id);
  const { approval, nowMs } = outcome;
  const cannot = `Cannot use approval ${id}`;
  const facts = factsOf(approval);
  switch (outcome.kind) {
    case "not_requester":
      return new DeniedError(
        `${cannot}: it was given to ${quote(approval.requestedBy)}, not to ${quote(actor)}`,
        { ...facts, agent: actor, requestedBy: approval.requestedBy },
      );
    case "not_approved":
      return new DeniedError(`${cannot}: ${fateOf(outcome)}`, facts);
    case "other_digest":
      return new DeniedError(
        `${cannot}: it was given for something else (${
          approval.digest === undefined ? "no digest" : `digest ${quote(approval.digest)}`
        }); request a new one`,
        { ...facts, digest: approval.digest ?? null },
      );
    case "used_before":
      return new ConflictError(
        `${cannot}: it was used ${ago(approval.usedAtMs ?? nowMs, nowMs)}; request a new one`,
        { ...facts, usedAtMs: approval.usedAtMs },
        false,
      );
  }
}

/** Who decided what and when, or that nobody has. */
function fateOf({ approval, nowMs }: Seen): string {
  const { status, decidedBy, decidedAtMs, expiresAtMs, comment } = approval;
  if (status === "pending") return "nobody has decided it yet";
  if (status === "expired") {
    return `it expired at ${new Date(expiresAtMs).toISOString()}, ${ago(expiresAtMs, nowMs)}`;
  }
  const said = comment === undefined ? "" : ` (${printable(comment)})`;
  return `${quote(decidedBy)} ${status} it ${ago(decidedAtMs ?? nowMs, nowMs)}${said}`;
}

function factsOf({ id, status, decidedBy, decidedAtMs, expiresAtMs }: Approval) {
  return {
    id,
    status,
    expiresAtMs,
    ...(decidedBy === undefined ? {} : { decidedBy, decidedAtMs }),
  };
}

function ago(atMs: number, nowMs: number): string {
  return `${formatDuration(nowMs - atMs)} ago`;
}
