/**
 * Appends to the audit chain from inside a step, on the directory engine.
 *
 * The chain: `link` = SHA-1(previous link + contentHash), the first previous link being empty. Changing,
 * dropping or reordering any entry breaks every later link.
 * @module
 */
import { createHash } from "node:crypto";
import { emit } from "../event/append.ts";
import type { Transaction } from "../store/transaction.ts";
import type { AuditDraft } from "./entry.ts";

/** The link that follows `previous` for an entry with this content, in hexadecimal. */
export function nextLink(previous: string, contentHash: string): string {
  return createHash("sha1").update(previous + contentHash).digest("hex");
}

/** Adds the entry at the end of the chain and answers with its link. */
export function appendAudit(tx: Transaction, draft: AuditDraft): string {
  const last = tx.get<{ link: string }>("SELECT link FROM audit ORDER BY seq DESC LIMIT 1");
  const link = nextLink(last?.link ?? "", draft.contentHash);
  tx.run(
    `INSERT INTO audit (id, agent, decision_type, context, reason, refs, created_at_ms, content_hash, link)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    draft.id,
    draft.agent,
    draft.decisionType,
    draft.context,
    draft.reason,
    JSON.stringify(draft.refs),
    tx.nowMs,
    draft.contentHash,
    link,
  );
  tx.count("audit", 1);
  emit(tx, "audit.logged", draft.id, draft.agent, { decisionType: draft.decisionType });
  return link;
}
