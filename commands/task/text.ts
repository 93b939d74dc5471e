/**
 * How tasks read to people.
 * @module
 */
import { ago, paint, safeText, table, type View } from "../../src/cli/output.ts";
import { formatDuration } from "../../src/duration.ts";
import { type Attempt, detailsOf, type Task, type TaskPath } from "../../src/task/model.ts";

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
      { title: "TRIES", value: ({ attemptsUsed }) => attemptsUsed },
      { title: "CHANGED", value: ({ updatedAtMs }) => ago(view, updatedAtMs) },
      ...(tasks.some((task) => waitsFor(task, view) !== "")
        ? [{ title: "WAITS", value: (task: Task) => waitsFor(task, view) }]
        : []),
      { title: "TITLE", value: ({ title }) => title },
    ],
    view,
    "No tasks.",
  );
}

/** One line a task: its identifier, where it stands, its title. */
export function taskLines(tasks: readonly Task[], view: View): string {
  return tasks.map((task) => {
    const { id, status, title, lease } = task;
    const waits = waitsFor(task, view);
    const more = lease === undefined
      ? waits
      : `fence ${lease.fence}, lapses ${ago(view, lease.expiresAtMs)}`;
    return `${id}  ${status}  ${safeText(title)}${more === "" ? "" : `, ${more}`}\n`;
  }).join("");
}

/** Why a task does not move, as far as a glance tells: when it is due, or what it depends on in vain. */
function waitsFor({ status, notBeforeMs, blockedReason }: Task, view: View): string {
  if (status === "scheduled" && notBeforeMs !== undefined) return `due ${ago(view, notBeforeMs)}`;
  return blockedReason ?? "";
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
    // Once it has passed it explains nothing any more.
    ["not before", (task.notBeforeMs ?? 0) > view.nowMs ? ago(view, task.notBeforeMs!) : ""],
    ["depends on", dependsOn.join(" ")],
    ["attempts", `at most ${task.maxAttempts}`],
    [
      "lease",
      lease && `${lease.holder}, fence ${lease.fence}, lapses ${ago(view, lease.expiresAtMs)}`,
    ],
    ...detailFacts(task),
    ["result", task.result === undefined ? "" : JSON.stringify(task.result)],
  ];
  return `${id}  ${paint(view, "bold", safeText(title))}\n` +
    facts.filter(([, fact]) => fact).map(([name, fact]) => `  ${name}: ${safeText(fact!)}\n`).join(
      "",
    ) +
    (description === "" ? "" : `${indent(description)}\n`) +
    leftOutText(task) +
    task.attempts.map((attempt, index) =>
      attemptText(attempt, (task.attemptsLeftOut ?? 0) + index + 1, view)
    ).join("");
}

/** A detail as it was said; one whose name ends in `Ms` is a duration. */
function detailFacts(task: Task): [string, string][] {
  return Object.entries(detailsOf(task)).map(([name, value]) => {
    if (name === "paths") return [name, (value as readonly TaskPath[]).map(pathText).join(" ")];
    const [, what] = /^(.+)Ms$/.exec(name) ?? [];
    const words = (what ?? name).replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
    return [words, what === undefined ? JSON.stringify(value) : formatDuration(Number(value))];
  });
}

function pathText({ path, mode }: TaskPath): string {
  return mode === "shared" ? `${path} (shared)` : path;
}

function leftOutText({ attemptsLeftOut }: Task): string {
  if (attemptsLeftOut === undefined) return "";
  return `  attempts before: ${attemptsLeftOut}\n`;
}

function attemptText(attempt: Attempt, number: number, view: View): string {
  const { holder, outcome, error, progress, startedAtMs, endedAtMs, late, result } = attempt;
  const end = `${outcome ?? "under way"}${late ? ", too late" : ""}`;
  const until = endedAtMs === undefined ? "" : `, ended ${ago(view, endedAtMs)}`;
  const note = (name: string, text: string | undefined) =>
    text === undefined || text === "" ? "" : `${indent(`${name}: ${text}`)}\n`;
  return `  attempt ${number}: ${holder}, ${end}, began ${ago(view, startedAtMs)}${until}\n` +
    note("progress", progress) + note(outcome === "released" ? "reason" : "error", error) +
    note("result", result === undefined ? undefined : JSON.stringify(result));
}

function indent(text: string): string {
  return safeText(text).split("\n").map((line) => `  | ${line}`).join("\n");
}
