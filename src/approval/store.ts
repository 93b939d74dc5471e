/**
 * The atomic operations on approvals that every store offers.
 * @module
 */
import type { PrunedPortion, PrunePortion } from "../prune.ts";
import type { Actor } from "../engine/actor.ts";
import type { Approval, ApprovalCounts, ApprovalStatus } from "./model.ts";

/** What is asked for, checked and with its identifier. */
export interface ApprovalDraft {
  /** `apr_` and a ULID, made by the client so that a retry is recognised. */
  readonly id: string;
  readonly actionType: string;
  readonly description: string;
  readonly timeoutMs: number;
  readonly digest?: string;
  readonly approvers?: readonly string[];
  readonly key?: string;
}

/** A decision to make final. */
export interface Decision {
  readonly id: string;
  readonly status: "approved" | "rejected";
  readonly comment?: string;
}

/** An approval as it stands, and the store's clock then. */
export interface Seen {
  readonly approval: Approval;
  readonly nowMs: number;
}

/** What became of a {@linkcode Decision}. The approval is as before unless it is `decided`. */
export type DecideOutcome =
  | { readonly kind: "not_found" }
  | { readonly kind: "decided"; readonly approval: Approval }
  /** The actor asked for it itself. */
  | ({ readonly kind: "own" } & Seen)
  /** The approvers were named, and the actor is none of them. */
  | ({ readonly kind: "not_approver" } & Seen)
  /** Somebody has decided it, or it has expired. */
  | ({ readonly kind: "closed" } & Seen);

/** What became of using an approval up. The approval is as before unless it is `used`. */
export type UseOutcome =
  | { readonly kind: "not_found" }
  | { readonly kind: "used"; readonly approval: Approval }
  /** Somebody else asked for it. */
  | ({ readonly kind: "not_requester" } & Seen)
  /** It is pending, rejected or expired. */
  | ({ readonly kind: "not_approved" } & Seen)
  /** It was given for another digest, or for none. */
  | ({ readonly kind: "other_digest" } & Seen)
  | ({ readonly kind: "used_before" } & Seen);

/** One page of approvals, newest first; every condition given must hold. */
export interface ApprovalQuery {
  /** As it is now: one whose time is up is `expired`, whatever has been written. */
  readonly status?: ApprovalStatus;
  readonly requestedBy?: string;
  /** Only approvals older than the one with this identifier. */
  readonly before?: string;
  readonly limit: number;
}

/** Approvals, newest first. */
export interface ApprovalList {
  readonly approvals: readonly Approval[];
  /** Whether older ones match as well. */
  readonly more: boolean;
}

/** Atomic operations only; waiting and throwing belong to {@linkcode Approvals}. */
export interface ApprovalStore {
  /** Records the request, unless its identifier or key is there already; answers with it. */
  request(actor: Actor, draft: ApprovalDraft): Promise<Approval>;
  /**
   * The approval now. If it is pending, and the caller `waits`, deciding it or finding it expired wakes this process.
   */
  look(actor: Actor | undefined, id: string, waits: boolean): Promise<Seen | undefined>;
  /** Makes the actor's decision final. */
  decide(actor: Actor, decision: Decision): Promise<DecideOutcome>;
  /** Marks an approved approval of the actor's as used, once. */
  use(actor: Actor, id: string, digest: string | undefined): Promise<UseOutcome>;
  /** Removes some of the approvals that came to an end long ago. */
  prune(actor: Actor, portion: PrunePortion): Promise<PrunedPortion>;
  /** The approval now. */
  get(id: string): Promise<Approval | undefined>;
  /** The newest that match; `undefined` when there is none `before`. */
  list(query: ApprovalQuery): Promise<ApprovalList | undefined>;
  /** How many there are in each status now. */
  counts(): Promise<ApprovalCounts>;
}
