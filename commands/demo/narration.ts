/**
 * The demo's story: each event of the store as a line for people.
 * @module
 */
import { paint, type View } from "../../src/cli/output.ts";
import type { CoordEvent } from "../../src/event/model.ts";
import { printable } from "../../src/name.ts";

/** What the narrator knows besides the events. */
export interface Cast {
  /** Titles by task identifier. */
  readonly titles: ReadonlyMap<string, string>;
  /** When the story began, in epoch milliseconds. */
  readonly startMs: number;
}

type Style = Parameters<typeof paint>[1];

/** One line of the story, or nothing for events that would only repeat it. */
export function narrate(event: CoordEvent, { titles, startMs }: Cast, view: View): string {
  const title = `"${titles.get(event.subject) ?? event.subject}"`;
  const sentences: Partial<Record<CoordEvent["type"], readonly [Style, string]>> = {
    "agent.registered": ["dim", "joins"],
    "task.claimed": ["cyan", `claims ${title} (fence ${event.data?.fence})`],
    "task.completed": ["green", `completes ${title}`],
    "task.expired": [
      "yellow",
      `has lost ${title}: its lease lapsed, the task is back in the queue`,
    ],
    "lock.acquired": ["dim", `locks ${event.subject} (fence ${event.data?.fence})`],
    "lock.expired": ["yellow", `has lost the lock on ${event.subject}: its lease lapsed`],
    "thread.posted": ["dim", `posts "${event.data?.title ?? event.subject}"`],
    "approval.requested": ["cyan", "asks for an approval and waits"],
    "approval.approved": ["green", "approves"],
    "audit.logged": ["dim", `puts a decision on the record (${event.data?.decisionType})`],
  };
  const sentence = sentences[event.type];
  if (sentence === undefined) return "";
  return line(event.atMs - startMs, event.agent ?? "", sentence[1], sentence[0], view);
}

/** One line of the story. */
export function line(ms: number, who: string, what: string, style: Style, view: View): string {
  const time = `${(Math.max(ms, 0) / 1000).toFixed(1)}s`.padStart(6);
  return `${paint(view, "dim", time)}  ${who.padEnd(6)} ${
    paint(view, style, printable(what, 500))
  }\n`;
}
