/**
 * Appends to the audit chain from inside an operation, on the directory engine.
 * @module
 */
import { emit, notify } from "../../event/directory/append.ts";
import type { Transaction } from "../../engine/directory/transaction.ts";
import { type AuditRow, toEntry } from "../row.ts";
import { type AuditDraft, type Entry, nextLink } from "../entry.ts";

/** Whom the next entry wakes: those who follow the log. */
export const AUDIT_TOPIC = "audit";

/**
 * Adds the entry at the end of the chain. A draft that is in the chain already, by its identifier or its
 * idempotency `key`, adds nothing and answers with the entry there.
 */
export function appendAudit(tx: Transaction, draft: AuditDraft, key?: string): Entry {
  const known = tx.get<AuditRow>(
    "SELECT * FROM audit WHERE id = ? UNION ALL SELECT * FROM audit WHERE key = ?",
    draft.id,
    key ?? null,
  );
  if (known !== undefined) return toEntry(known);
  const last = tx.get<{ link: string }>("SELECT link FROM audit ORDER BY seq DESC LIMIT 1");
  const createdAtMs = tx.nowMs;
  const link = nextLink(last?.link ?? "", draft.contentHash);
  tx.run(
    `INSERT INTO audit
       (id, key, agent, decision_type, context, reason, refs, created_at_ms, content_hash, link)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    draft.id,
    key ?? null,
    draft.agent,
    draft.decisionType,
    draft.context,
    draft.reason,
    JSON.stringify(draft.refs),
    createdAtMs,
    draft.contentHash,
    link,
  );
  tx.count("audit", 1);
  emit(tx, "audit.logged", draft.id, draft.agent, { decisionType: draft.decisionType });
  notify(tx, AUDIT_TOPIC);
  return { ...draft, createdAtMs, link };
}
