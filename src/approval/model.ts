/**
 * Approvals as everybody sees them.
 * @module
 */

/** `expired` means that nobody decided in time: not approved. */
export type ApprovalStatus = "pending" | "approved" | "rejected" | "expired";

/** One request for approval and what became of it. */
export interface Approval {
  /** `apr_…`; sorts by creation. */
  readonly id: string;
  /** Kind of action, such as `deploy`. */
  readonly actionType: string;
  /** What is to be done, for whoever decides. */
  readonly description: string;
  /** Identifies exactly what is to be done; absent when the request did not say. */
  readonly digest?: string;
  /** The only agents who may decide; absent when anybody but the requester may. */
  readonly approvers?: readonly string[];
  /** Who asked. */
  readonly requestedBy: string;
  /** As of when it was read. */
  readonly status: ApprovalStatus;
  /** Who decided; absent unless approved or rejected. */
  readonly decidedBy?: string;
  /** When, in epoch milliseconds. */
  readonly decidedAtMs?: number;
  /** What the decider had to say. */
  readonly comment?: string;
  /** When it was asked for, in epoch milliseconds. */
  readonly createdAtMs: number;
  /** When it expires unless decided, in epoch milliseconds of the store's clock. */
  readonly expiresAtMs: number;
  /** When it was used up, in epoch milliseconds; absent until then. */
  readonly usedAtMs?: number;
}

/** How many approvals have each status now. */
export type ApprovalCounts = Readonly<Record<ApprovalStatus, number>>;

/** How many requests whose time is up one operation writes off, besides its own work. */
export const APPROVALS_EXPIRED_AT_ONCE = 32;

/** How many approvals one operation of pruning looks at. */
export const APPROVALS_PRUNED_AT_ONCE = 500;

/** Of how many requests one list on a server finds out, at most, whether time has changed their status. */
export const APPROVALS_LOOKED_AT = 1024;
