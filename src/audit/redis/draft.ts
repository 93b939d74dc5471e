/**
 * An entry to be as the arguments of scripts that include append.lua.
 * @module
 */
import type { AuditDraft } from "../entry.ts";

/** The arguments of `append_audit`, all of them. */
export function auditArguments(draft: AuditDraft, key?: string): readonly string[] {
  const { id, agent, decisionType, context, reason, refs, contentHash } = draft;
  return [id, agent, decisionType, context, reason, JSON.stringify(refs), contentHash, key ?? ""];
}
