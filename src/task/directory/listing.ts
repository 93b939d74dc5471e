/**
 * Looking at many tasks, on the directory engine: lists in the order of creation, and counts.
 *
 * A list reads the index of the status it asks for. Where only the rows themselves can tell who matches, one
 * step looks at a bounded stretch of them and answers where to go on.
 * @module
 */
import { LIMITS } from "../../name.ts";
import type { Reader } from "../../engine/directory/transaction.ts";
import { show } from "./dependencies.ts";
import { TASK_STATUSES, type TaskCounts, type TaskStatus } from "../model.ts";
import { COLUMNS, MAX_ATTEMPTS, rankBase, seqOfRank, type TaskRow } from "./rows.ts";
import { mayHaveLapsed } from "./step.ts";
import type { TaskQuery, TaskSlice } from "../store.ts";

/** Tasks looked at by one step when each has to be asked whether it matches. */
const STRETCH = 20_000;

/** What every source below filters by: creator, tags with how many of them, and a range of `seq`. */
const MATCHES = `(?1 IS NULL OR spec ->> '$.createdBy' = ?1) AND (?2 IS NULL OR (
  SELECT COUNT(*) FROM json_each(spec, '$.tags') WHERE value IN (SELECT value FROM json_each(?2))) >= ?3)
  AND seq > ?4 AND seq <= ?5`;
const HELD = "tasks INDEXED BY tasks_live WHERE";
const LATER = "tasks INDEXED BY tasks_later WHERE status = 'scheduled'";

/** Where the tasks of a status are: each of these is served by one index, or bounded by a stretch. */
const SOURCES: Readonly<Record<TaskStatus, readonly string[]>> = {
  scheduled: ["tasks WHERE status = 'scheduled' AND due_at_ms > ?7"],
  blocked: ["tasks WHERE status = 'blocked'"],
  pending: [
    `${HELD} holder IS NOT NULL AND due_at_ms <= ?7 AND spent < ${MAX_ATTEMPTS}`,
    `${LATER} AND due_at_ms <= ?7`,
  ],
  claimed: [`${HELD} holder IS NOT NULL AND due_at_ms > ?7`],
  completed: ["tasks WHERE status = 'completed'"],
  dead: [
    "tasks WHERE status = 'dead'",
    `${HELD} holder IS NOT NULL AND due_at_ms <= ?7 AND spent >= ${MAX_ATTEMPTS}`,
  ],
  cancelled: ["tasks WHERE status = 'cancelled'"],
};
const HELD_BY = `${HELD} holder = ?8 AND due_at_ms > ?7`;

/** Tasks in the order they were created. */
export function list(reader: Reader, query: TaskQuery): TaskSlice {
  const { status, holder, limit, after, createdBy, tags } = query;
  if (holder !== undefined && (status ?? "claimed") !== "claimed") return { tasks: [] };
  if (status === "completed" && !reader.counts["tasks:completed"]) return { tasks: [] };
  const last = lastSeq(reader);
  const searching = createdBy !== undefined || tags.length > 0 || status === "completed";
  const upTo = searching ? Math.min(after + STRETCH, last) : last;
  const seqs = sourcesOf(query).flatMap((source) => seqsWhere(reader, query, upTo, source));
  if (status === "pending") seqs.push(...queued(reader, query, upTo));
  seqs.sort((a, b) => a - b);
  const page = seqs.slice(0, limit);
  const tasks = rowsOf(reader, page).map((row) => show(reader, row));
  if (seqs.length > limit) return { tasks, next: page.at(-1)! };
  return upTo < last ? { tasks, next: upTo } : { tasks };
}

/** How many tasks there are in each status, corrected by those that time alone has moved on. */
export function countTasks(reader: Reader): TaskCounts {
  const { counts, nowMs } = reader;
  const now = Object.fromEntries(
    TASK_STATUSES.map((status) => [status, counts[`tasks:${status}`] ?? 0]),
  ) as Record<TaskStatus, number>;
  const shift = (from: TaskStatus, to: TaskStatus, by: number) => {
    now[from] -= by;
    now[to] += by;
  };
  if (now.scheduled > 0) {
    const { started } = reader.get<{ started: number }>(
      `SELECT COUNT(*) AS started FROM ${LATER} AND due_at_ms <= ?`,
      nowMs,
    )!;
    shift("scheduled", "pending", started);
  }
  if (mayHaveLapsed(reader)) {
    const { lapsed, dead } = reader.get<{ lapsed: number; dead: number }>(
      `SELECT COUNT(*) AS lapsed, COUNT(*) FILTER (WHERE spent >= ${MAX_ATTEMPTS}) AS dead
       FROM ${HELD} holder IS NOT NULL AND due_at_ms <= ?`,
      nowMs,
    )!;
    shift("claimed", "pending", lapsed - dead);
    shift("claimed", "dead", dead);
  }
  return now;
}

function lastSeq(reader: Reader): number {
  return reader.get<{ seq: number | null }>("SELECT MAX(seq) AS seq FROM tasks")!.seq ?? 0;
}

function sourcesOf({ status, holder }: TaskQuery): readonly string[] {
  if (holder !== undefined) return [HELD_BY];
  return status === undefined ? ["tasks WHERE TRUE"] : SOURCES[status];
}

/** The queue is sorted by rank; within one priority that is the order of creation. */
function queued(reader: Reader, query: TaskQuery, upTo: number): number[] {
  const seqs: number[] = [];
  for (let priority = LIMITS.priorityMin; priority <= LIMITS.priorityMax; priority++) {
    const rows = reader.all<{ rank: number }>(
      `SELECT rank FROM tasks INDEXED BY tasks_live
       WHERE status = 'pending' AND holder IS NULL AND rank > ?7 AND rank <= ?8 AND ${MATCHES}
       ORDER BY rank LIMIT ?6 + 0`,
      ...values(query, upTo),
      rankBase(priority) + query.after,
      rankBase(priority) + upTo,
    );
    seqs.push(...rows.map(({ rank }) => seqOfRank(rank)));
  }
  return seqs;
}

function seqsWhere(reader: Reader, query: TaskQuery, upTo: number, source: string): number[] {
  const last = source.includes("?8") ? [query.holder ?? null] : [];
  const now = source.includes("?7") ? [reader.nowMs] : [];
  return reader.all<{ seq: number }>(
    `SELECT seq FROM ${source} AND ${MATCHES} ORDER BY seq LIMIT ?6 + 0`,
    ...values(query, upTo),
    ...now,
    ...last,
  ).map(({ seq }) => seq);
}

function values({ createdBy, tags, match, after, limit }: TaskQuery, upTo: number) {
  return [
    createdBy ?? null,
    tags.length === 0 ? null : JSON.stringify(tags),
    match === "all" ? tags.length : 1,
    after,
    upTo,
    limit + 1,
  ];
}

function rowsOf(reader: Reader, seqs: readonly number[]): TaskRow[] {
  return reader.all<TaskRow>(
    `SELECT ${COLUMNS} FROM tasks WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq`,
    JSON.stringify(seqs),
  );
}
