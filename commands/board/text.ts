/**
 * How threads and messages read to people.
 * @module
 */
import { mentionsIn } from "../../src/board/mention.ts";
import type { Message, Thread } from "../../src/board/thread.ts";
import { ago, paint, safeText, table, type View } from "../../src/cli/output.ts";

/** Whose inbox a message names. */
export function namedIn(
  { title = "", message, to = [] }: {
    readonly title?: string;
    readonly message: string;
    readonly to?: readonly string[];
  },
): ReadonlySet<string> {
  return new Set([...to, ...mentionsIn(`${title}\n${message}`)]);
}

/** A table of threads. */
export function threadTable(threads: readonly Thread[], view: View): Promise<string> {
  return table(
    threads,
    [
      { title: "ID", value: ({ id }) => id },
      { title: "STATUS", value: ({ status }) => status },
      { title: "PRIORITY", value: ({ priority }) => priority },
      { title: "AUTHOR", value: ({ author }) => author },
      { title: "REPLIES", value: ({ replyCount }) => replyCount },
      { title: "CHANGED", value: ({ updatedAtMs }) => ago(view, updatedAtMs) },
      { title: "TITLE", value: ({ title }) => title },
    ],
    view,
    "No threads.",
  );
}

/** One thread with what is known of its replies. */
export function threadText(thread: Thread, view: View): string {
  const { id, title, author, status, priority, tags, to, message, replyCount } = thread;
  const about = [
    `${status}, ${priority} priority`,
    ...(tags.length === 0 ? [] : [`tags ${tags.join(" ")}`]),
    ...(to.length === 0 ? [] : [`to ${to.join(" ")}`]),
  ];
  const shown = thread.replies ?? (thread.reply === undefined ? [] : [thread.reply]);
  const hidden = replyCount - shown.length;
  return `${id}  ${paint(view, "bold", safeText(title))}\n  ${about.join("; ")}\n` +
    said(author, thread.createdAtMs, message, view) +
    (hidden > 0 ? `  … ${hidden} more ${hidden === 1 ? "reply" : "replies"}\n` : "") +
    shown.map((reply) => said(reply.author, reply.atMs, reply.message, view, reply.id)).join("");
}

/** Messages of an inbox, oldest first. */
export function inboxText(messages: readonly Message[], view: View): string {
  if (messages.length === 0) return "Nothing unread.\n";
  return messages.map(({ id, threadId, title, author, message, reason, priority, atMs }) => {
    const urgent = priority === "high" ? paint(view, "red", "! ") : "";
    const why = reason.replace("_", " ");
    return `${urgent}${threadId}  ${paint(view, "bold", safeText(title))} (${why})\n` +
      said(author, atMs, message, view, id);
  }).join("");
}

/** What somebody said and when; `id` is what cursors and acknowledgements name it by. */
function said(author: string, atMs: number, message: string, view: View, id?: string): string {
  const lines = message === "" ? [] : safeText(message).split("\n").map((line) => `  | ${line}\n`);
  return `  ${author}, ${ago(view, atMs)}${id === undefined ? "" : `  ${id}`}\n${lines.join("")}`;
}
