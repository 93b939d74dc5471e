/**
 * The form of an audit entry, the hash that seals its content, and the link that seals its place.
 *
 * `contentHash` is SHA-256 over what the agent wrote, computed by the client. `link` = SHA-1(previous link +
 * contentHash), both as text, computed by the store in the operation that appends; the first previous link is
 * empty. So changing, dropping, adding or reordering an entry breaks that entry's hash or the first link
 * behind it. The store's instant is not sealed, since the client that seals cannot know it: it must only
 * never run backwards along the chain. SHA-1 because Redis scripts have it built in:
 * what a link has to resist is a change that keeps the SHA-256 beside it, not a collision made in advance.
 * @module
 */
import { createHash } from "node:crypto";
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

/** One entry of the audit log. */
export interface Entry extends AuditDraft {
  /** When the store took it in, in epoch milliseconds of the store's clock. */
  readonly createdAtMs: number;
  /** Seals its place: SHA-1 over the link of the entry before and its own content hash, in hexadecimal. */
  readonly link: string;
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

/** The link of the entry with this content that follows the link `previous`; the first follows `""`. */
export function nextLink(previous: string, contentHash: string): string {
  return createHash("sha1").update(previous + contentHash).digest("hex");
}
