/**
 * Approvals on their way from one store into another; see src/transfer.ts.
 * @module
 */
import type { Approval } from "./model.ts";

/** An approval, or that one was removed. */
export type ApprovalRecord = MovedApproval | { readonly removed: string };

/** An approval as it is written: `status` may be `pending` although its time is up. */
export interface MovedApproval extends Approval {
  /** Its idempotency key. */
  readonly key?: string;
}
