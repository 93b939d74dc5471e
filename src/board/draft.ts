/**
 * Turns what a caller wants to say into a message ready to store: checked, addressed and cut into words.
 * @module
 */
import { checkKey, checkTags, invalid } from "../check.ts";
import { newId } from "../id.ts";
import { checkName } from "../name.ts";
import { mentionsIn } from "./mention.ts";
import type { MessageDraft, Recipient } from "./store.ts";
import { wordsIn } from "./words.ts";

/** Agents one message may name; whoever wants to reach more posts with high priority. */
export const MAX_RECIPIENTS = 100;

/** The message by `author`; a `title` belongs to what it says. */
export function draftMessage(
  { message, to }: { readonly message: string; readonly to?: readonly string[] | undefined },
  { author, title = "" }: { readonly author: string; readonly title?: string },
): MessageDraft {
  const addressees = to === undefined ? [] : checkAddressees(to);
  const text = textOf(message, title);
  const recipients = recipientsOf(text, addressees, author);
  if (recipients.length > MAX_RECIPIENTS) {
    throw invalid(
      recipients.length,
      "number of agents named in to and as @name",
      `use at most ${MAX_RECIPIENTS}, or post with priority high to reach everybody`,
    );
  }
  return {
    id: newId("msg"),
    message,
    to: addressees,
    recipients,
    words: wordsIn(text),
  };
}

/** All that a message says: a `title` belongs to that which opens a thread. */
export function textOf(message: string, title = ""): string {
  return `${title}\n${message}`;
}

/** Whose inbox a message goes to, without its author and without repeats. */
export function recipientsOf(
  text: string,
  addressees: readonly string[],
  author: string,
): readonly Recipient[] {
  const reasons = new Map<string, Recipient["reason"]>();
  for (const name of addressees) reasons.set(name, "direct");
  for (const name of mentionsIn(text)) if (!reasons.has(name)) reasons.set(name, "mention");
  reasons.delete(author);
  return [...reasons].map(([name, reason]) => ({ name, reason }));
}

/** The tags without repeats; none when there are none. */
export function draftTags(tags: readonly string[] | undefined): readonly string[] {
  return tags === undefined ? [] : checkTags(tags, "tags");
}

/** The idempotency key, if there is one, as a field to spread. */
export function checkKeyOption(key: string | undefined): { readonly key?: string } {
  return key === undefined ? {} : { key: checkKey(key, "key") };
}

function checkAddressees(value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw invalid(value, "to", "use a list of agents' names");
  return [...new Set(value.map((name) => checkName(name, "to")))];
}
