/**
 * The form of an audit entry, and the hash that seals its content.
 * @module
 */
import { newId } from "../id.ts";

/** What an agent wants on the record; becomes an entry once the store has linked it into the chain. */
export interface AuditDraft {
  /** `aud_` and a ULID, made by the client so that a retry is recognised. */
  readonly id: string;
  /** Who decided. */
  readonly agent: string;
  /** Kind of decision, such as `deployment`. */
  readonly decisionType: string;
  /** What was known. */
  readonly context: string;
  /** Why it was decided so. */
  readonly reason: string;
  /** What it is about: identifiers, paths, URLs. */
  readonly refs: readonly string[];
  /** SHA-256 of the canonical JSON of everything above, in hexadecimal. */
  readonly contentHash: string;
}

/** A draft without what is computed. */
export type AuditContent = Omit<AuditDraft, "id" | "contentHash">;

/** Seals `content` under a new identifier. */
export async function draftEntry(content: AuditContent): Promise<AuditDraft> {
  const sealed = { id: newId("aud"), ...content };
  return { ...sealed, contentHash: await contentHash(sealed) };
}

/** The hash over an entry's content: the six sealed fields with sorted keys and no white space. */
export async function contentHash(
  { agent, context, decisionType, id, reason, refs }: Omit<AuditDraft, "contentHash">,
): Promise<string> {
  const canonical = JSON.stringify({ agent, context, decisionType, id, reason, refs });
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(canonical));
  return new Uint8Array(digest).toHex();
}
