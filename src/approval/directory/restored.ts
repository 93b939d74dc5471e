/**
 * What happens to approvals when a store went back in time or was copied.
 * @module
 */
import type { Transaction } from "../../engine/directory/transaction.ts";

/**
 * Expires every approval that was given and not used: it may have been used since the copy was made, and
 * each is good for once. Returns how many.
 */
export function expireUnused(tx: Transaction): number {
  const expired = tx.run(
    "UPDATE approvals SET status = 'expired' WHERE status = 'approved' AND used_at_ms IS NULL",
  );
  tx.count("approvals:approved", -expired);
  tx.count("approvals:expired", expired);
  return expired;
}
