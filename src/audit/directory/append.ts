/**
 * Appends to the audit chain from inside a step, on the directory engine.
 * @module
 */
import { emit, notify } from "../../event/directory/append.ts";
import type { Transaction } from "../../engine/directory/transaction.ts";
import { type AuditDraft, type Entry, nextLink } from "../entry.ts";

/** Whom the next entry wakes: those who follow the log. */
export const AUDIT_TOPIC = "audit";

/** An entry as the table keeps it. */
export interface AuditRow {
  seq: number;
  id: string;
  key: string | null;
  agent: string;
  decision_type: string;
  context: string;
  reason: string;
  refs: string;
  created_at_ms: number;
  content_hash: string;
  link: string;
}

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

/** The entry in this row. */
export function toEntry(row: AuditRow): Entry {
  return {
    id: row.id,
    agent: row.agent,
    decisionType: row.decision_type,
    context: row.context,
    reason: row.reason,
    refs: parseRefs(row.refs),
    contentHash: row.content_hash,
    createdAtMs: row.created_at_ms,
    link: row.link,
  };
}

/** A list that somebody has broken from outside is shown as it stands; its content hash no longer fits. */
function parseRefs(text: string): readonly string[] {
  try {
    const refs: unknown = JSON.parse(text);
    if (Array.isArray(refs) && refs.every((ref) => typeof ref === "string")) return refs;
  } catch {
    // Not JSON at all: the same answer.
  }
  return [text];
}
