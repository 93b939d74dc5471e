/**
 * Entries of the audit log on their way between two stores.
 * @module
 */
import type { TransferConflict } from "../transfer.ts";
import type { Entry } from "./entry.ts";

/**
 * An entry as one store has it. What seals its content and its instant stay; its link is computed anew behind the last
 * entry of the other store.
 */
export interface AuditRecord {
  /** The entry. */
  readonly entry: Entry;
  /** The idempotency key it was logged with, if there was one. */
  readonly key?: string;
}

/** What is said of an entry whose idempotency key another one has. */
export function keyConflict(id: string): TransferConflict {
  const outcome = "taken over without its idempotency key, which another entry has";
  return { kind: "audit", subject: id, outcome };
}
