/**
 * How audit entries read to people.
 * @module
 */
import type { Entry } from "../../src/audit/entry.ts";
import { ago, safeText, type View } from "../../src/cli/output.ts";

/** An entry on a few lines: who, what kind, when; what was known; why. */
export function entryText(entry: Entry, view: View): string {
  const { id, agent, decisionType, context, reason, refs, createdAtMs } = entry;
  const about = refs.length === 0 ? "" : `  refs:    ${safeText(refs.join(" "))}\n`;
  return `${id}  ${decisionType} by ${agent} ${ago(view, createdAtMs)}\n` +
    `  context: ${indent(context)}\n  reason:  ${indent(reason)}\n${about}`;
}

/** Several entries. */
export function entryList(entries: readonly Entry[], view: View): string {
  if (entries.length === 0) return "No audit entries.\n";
  return entries.map((entry) => entryText(entry, view)).join("");
}

function indent(text: string): string {
  return safeText(text).replaceAll("\n", "\n           ");
}
