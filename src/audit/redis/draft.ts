/**
 * What a script that includes append.lua needs: its keys, and a draft in the form of its arguments.
 * @module
 */
import type { AuditDraft } from "../entry.ts";

/** Keys of the audit log besides the common ones. */
export const AUDIT_APPEND_KEYS: readonly string[] = [
  "audit",
  "audit_ids",
  "audit_keys",
  "audit_by",
];

/** The arguments of `append_audit`, all of them. */
export function auditArguments(draft: AuditDraft, key?: string): readonly string[] {
  const { id, agent, decisionType, context, reason, refs, contentHash } = draft;
  return [id, agent, decisionType, context, reason, JSON.stringify(refs), contentHash, key ?? ""];
}
