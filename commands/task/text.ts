/**
 * How tasks read to people.
 * @module
 */
import { ago, paint, safeText, table, type View } from "../../src/cli/output.ts";
import type { Attempt, Task } from "../../src/task/model.ts";

/** A table of tasks. */
export function taskTable(tasks: readonly Task[], view: View): Promise<string> {
  return table(
    tasks,
    [
      { title: "ID", value: ({ id }) => id },
      { title: "STATUS", value: ({ status }) => status },
      { title: "PRI", value: ({ priority }) => priority },
      { title: "TAGS", value: ({ tags }) => tags.join(" ") },
      { title: "HOLDER", value: ({ lease }) => lease?.holder ?? "" },
      { title: "TRIES", value: ({ attempts, maxAttempts }) => `${attempts.length}/${maxAttempts}` },
      { title: "CHANGED", value: ({ updatedAtMs }) => ago(view, updatedAtMs) },
      { title: "TITLE", value: ({ title }) => title },
    ],
    view,
    "No tasks.",
  );
}

/** One line a task: its identifier, where it stands, its title. */
export function taskLines(tasks: readonly Task[], view: View): string {
  return tasks.map(({ id, status, title, lease }) => {
    const held = lease === undefined
      ? ""
      : `, fence ${lease.fence}, lapses ${ago(view, lease.expiresAtMs)}`;
    return `${id}  ${status}  ${safeText(title)}${held}\n`;
  }).join("");
}

/** One task on one line. */
export function taskLine(task: Task, view: View): string {
  return taskLines([task], view);
}

/** One task in full. */
export function taskText(task: Task, view: View): string {
  const { id, title, status, priority, tags, description, dependsOn, lease, createdBy } = task;
  const facts = [
    ["status", task.blockedReason === undefined ? status : `${status}: ${task.blockedReason}`],
    ["priority", String(priority)],
    ["tags", tags.join(" ")],
    ["created", `by ${createdBy} ${ago(view, task.createdAtMs)}`],
    ["not before", task.notBeforeMs === undefined ? "" : ago(view, task.notBeforeMs)],
    ["depends on", dependsOn.join(" ")],
    [
      "lease",
      lease && `${lease.holder}, fence ${lease.fence}, lapses ${ago(view, lease.expiresAtMs)}`,
    ],
    ["payload", task.payload === undefined ? "" : JSON.stringify(task.payload)],
    ["result", task.result === undefined ? "" : JSON.stringify(task.result)],
  ];
  return `${id}  ${paint(view, "bold", safeText(title))}\n` +
    facts.filter(([, fact]) => fact).map(([name, fact]) => `  ${name}: ${safeText(fact!)}\n`).join(
      "",
    ) +
    (description === "" ? "" : `${indent(description)}\n`) +
    task.attempts.map((attempt, index) => attemptText(attempt, index, view)).join("");
}

function attemptText(attempt: Attempt, index: number, view: View): string {
  const { holder, outcome, error, progress, startedAtMs } = attempt;
  const notes = [error, progress].filter((note) => note !== undefined);
  return `  attempt ${index + 1}: ${holder}, ${outcome ?? "under way"}, began ${
    ago(view, startedAtMs)
  }\n` +
    notes.map((note) => `${indent(note)}\n`).join("");
}

function indent(text: string): string {
  return safeText(text).split("\n").map((line) => `  | ${line}`).join("\n");
}
