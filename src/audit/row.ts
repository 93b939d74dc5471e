/**
 * An entry of the audit log as both engines keep it.
 * @module
 */
import type { Entry } from "./entry.ts";

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
