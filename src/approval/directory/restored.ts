/**
 * What happens to approvals when a store went back in time or was copied.
 * @module
 */
import type { Transaction } from "../../engine/directory/transaction.ts";

/**
 * Lets every approval lapse that was given and not used: it may have been used since the copy was made, and
 * each is good for once. Returns how many.
 */
export function lapseUnused(tx: Transaction): number {
  const lapsed = tx.run(
    "UPDATE approvals SET status = 'expired' WHERE status = 'approved' AND used_at_ms IS NULL",
  );
  tx.count("approvals:approved", -lapsed);
  tx.count("approvals:expired", lapsed);
  return lapsed;
}
