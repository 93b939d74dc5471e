/**
 * Looking at many tasks, on the directory engine: lists in the order of creation or of claims, and counts.
 *
 * A list reads the index of the status it asks for. Where only the rows themselves can tell who matches, one
 * operation looks at a bounded stretch of them and answers where to go on.
 * @module
 */
import { LIMITS } from "../../name.ts";
import type { Reader } from "../../engine/directory/transaction.ts";
import { show } from "./dependencies.ts";
import {
  SORTED_AT_ONCE,
  type Task,
  TASK_STATUSES,
  type TaskCounts,
  type TaskStatus,
} from "../model.ts";
import { TASKS_HELD_UP } from "./held_up.ts";
import { COLUMNS, HELD_UP_RANKS, MAX_ATTEMPTS, rankBase, seqOfRank, type TaskRow } from "./rows.ts";
import { mayHaveLapsed } from "./operation.ts";
import { STAGE_PLACES, type TaskQuery, type TaskSlice } from "../store.ts";

/** Tasks looked at by one operation when each has to be asked whether it matches. */
const STRETCH = 2000;
/** What one operation shows of tasks, in characters, but for one of the largest. */
const SHOW_CHARS = 262_144;
/** Bytes of results that one operation passes over while it looks for something, and those of one that counts. */
const PASSED_BYTES = 4_194_304;
const LONG_BYTES = 4096;
/** What texts are taken to have that are kept beside the row because they are long. */
const BESIDE_CHARS = 16_384;

/** What every source below filters by: creator, tags with how many of them, and a range of `seq`. */
const MATCHES = `(?1 IS NULL OR spec ->> '$.createdBy' = ?1) AND (?2 IS NULL OR (
  SELECT COUNT(*) FROM json_each(spec, '$.tags') WHERE value IN (SELECT value FROM json_each(?2))) >= ?3)
  AND seq > ?4 AND seq <= ?5`;
const HELD = "tasks INDEXED BY tasks_live WHERE";
const LATER = "tasks INDEXED BY tasks_later WHERE status = 'scheduled'";
/** Too many for an index, so a stretch of all tasks is looked at. */
const COMPLETED = "tasks WHERE status = 'completed'";

/** Where the tasks of a status are: each of these is served by one index, or bounded by a stretch. */
const SOURCES: Readonly<Record<TaskStatus, readonly string[]>> = {
  scheduled: ["tasks WHERE status = 'scheduled' AND due_at_ms > ?7"],
  blocked: ["tasks WHERE status = 'blocked'"],
  pending: [
    `${HELD} holder IS NOT NULL AND due_at_ms <= ?7 AND spent < ${MAX_ATTEMPTS}`,
    `${LATER} AND due_at_ms <= ?7`,
  ],
  claimed: [`${HELD} holder IS NOT NULL AND due_at_ms > ?7`],
  completed: [COMPLETED],
  dead: [
    "tasks WHERE status = 'dead'",
    `${HELD} holder IS NOT NULL AND due_at_ms <= ?7 AND spent >= ${MAX_ATTEMPTS}`,
  ],
  cancelled: ["tasks WHERE status = 'cancelled'"],
};
/** Instead of {@linkcode HELD} where many are held: a stretch of all tasks. */
const AMONG_ALL = "tasks NOT INDEXED WHERE";
const HELD_BY = `${HELD} holder = ?8 AND due_at_ms > ?7`;

/** Some tasks of one stage of the order of claims, or of all of them: each is a status, or all that end. */
interface Stage {
  readonly status: TaskStatus | "ended" | undefined;
  /** Of pending tasks, only those of this priority. */
  readonly priority?: number;
}

const ENDED: readonly TaskStatus[] = ["completed", "dead", "cancelled"];
const PRIORITIES = Array.from(
  { length: LIMITS.priorityMax - LIMITS.priorityMin + 1 },
  (_, place) => LIMITS.priorityMax - place,
);
const STAGES: readonly Stage[] = [
  { status: "claimed" },
  ...PRIORITIES.map((priority) => ({ status: "pending", priority }) as const),
  { status: "blocked" },
  { status: "scheduled" },
  { status: "ended" },
];

/** Tasks in the order that the query asks for. */
export function list(reader: Reader, query: TaskQuery): TaskSlice {
  const { status, holder, order } = query;
  if (holder !== undefined && (status ?? "claimed") !== "claimed") return { tasks: [] };
  if (status === "completed" && !reader.counts["tasks:completed"]) return { tasks: [] };
  return order === "claim" ? listStages(reader, query) : listStage(reader, query, { status });
}

/** Stage after stage until the page is full; then whether any has more. */
function listStages(reader: Reader, query: TaskQuery): TaskSlice {
  const first = Math.floor(query.after / STAGE_PLACES);
  const tasks: Task[] = [];
  for (let place = first; place < (query.holder === undefined ? STAGES.length : 1); place++) {
    const stage = stageOf(STAGES[place]!, query.status);
    if (stage === undefined) continue;
    const after = place === first ? query.after % STAGE_PLACES : 0;
    const limit = query.limit - tasks.length;
    const slice = listStage(reader, { ...query, after, limit }, stage);
    tasks.push(...slice.tasks);
    if (slice.next !== undefined) return { tasks, next: place * STAGE_PLACES + slice.next };
  }
  return { tasks };
}

/** The stage as far as it has the status that was asked for. */
function stageOf(stage: Stage, asked: TaskStatus | undefined): Stage | undefined {
  if (asked === undefined || asked === stage.status) return stage;
  return stage.status === "ended" && ENDED.includes(asked) ? { status: asked } : undefined;
}

function listStage(reader: Reader, query: TaskQuery, stage: Stage): TaskSlice {
  const { limit, after, createdBy, tags } = query;
  const last = lastSeq(reader);
  const many = (reader.counts["tasks:claimed"] ?? 0) > SORTED_AT_ONCE;
  const sources = (query.holder === undefined ? sourcesOf(reader, stage) : [HELD_BY])
    .map((source) => many ? source.replace(HELD, AMONG_ALL) : source);
  const searching = createdBy !== undefined || tags.length > 0 || sources.includes(COMPLETED) ||
    sources.some((source) => source.startsWith(AMONG_ALL));
  const upTo = searching ? endOfStretch(reader, after, last) : last;
  const seqs = sources.flatMap((source) => seqsWhere(reader, query, upTo, source));
  if (stage.status === "pending") {
    const { priority } = stage;
    const priorities = priority === undefined ? PRIORITIES : [priority];
    const bases = priorities.flatMap((one) => {
      const base = rankBase(one);
      return reader.counts[TASKS_HELD_UP] ? [base, HELD_UP_RANKS + base] : [base];
    });
    seqs.push(...bases.flatMap((base) => queued(reader, query, { upTo, base })));
  }
  seqs.sort((a, b) => a - b);
  const page = seqs.slice(0, limit);
  const rows = rowsOf(reader, page);
  const tasks = rows.map((row) => show(reader, row));
  if (rows.length < page.length) return { tasks, next: rows.at(-1)!.seq };
  if (seqs.length > limit) return { tasks, next: page.at(-1) ?? after };
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

/**
 * How far one operation looks at each row: to get at what it says of itself, the engine passes over the whole result
 * before it. How long a result is, it knows without reading it.
 */
function endOfStretch(reader: Reader, after: number, last: number): number {
  const end = Math.min(after + STRETCH, last);
  const long = reader.all<{ seq: number; bytes: number }>(
    `SELECT seq, octet_length(result) AS bytes FROM tasks
     WHERE seq > ? AND seq <= ? AND octet_length(result) > ${LONG_BYTES} ORDER BY seq`,
    after,
    end,
  );
  let passed = 0;
  for (const { seq, bytes } of long) {
    passed += bytes;
    if (passed > PASSED_BYTES) return Math.min(seq, end);
  }
  return end;
}

function lastSeq(reader: Reader): number {
  return reader.get<{ seq: number | null }>("SELECT MAX(seq) AS seq FROM tasks")!.seq ?? 0;
}

function sourcesOf({ counts }: Reader, { status, priority }: Stage): readonly string[] {
  if (status === undefined) return ["tasks WHERE TRUE"];
  if (status === "ended") {
    const ended = counts["tasks:completed"] ? ENDED : ENDED.filter((one) => one !== "completed");
    return ended.flatMap((one) => SOURCES[one]);
  }
  if (priority === undefined) return SOURCES[status];
  const [from, to] = [rankBase(priority), rankBase(priority - 1)];
  return SOURCES[status].map((source) => `${source} AND rank > ${from} AND rank < ${to}`);
}

/** The queue is sorted by rank; within one priority that is the order of creation. */
function queued(
  reader: Reader,
  query: TaskQuery,
  { upTo, base }: { readonly upTo: number; readonly base: number },
): number[] {
  return reader.all<{ rank: number }>(
    `SELECT rank FROM tasks INDEXED BY tasks_live
     WHERE status = 'pending' AND holder IS NULL AND rank > ?7 AND rank <= ?8 AND ${MATCHES}
     ORDER BY rank LIMIT ?6 + 0`,
    ...values(query, upTo),
    base + query.after,
    base + upTo,
  ).map(({ rank }) => seqOfRank(rank));
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

/** The first of these rows, as far as one operation shows them. */
function rowsOf(reader: Reader, seqs: readonly number[]): TaskRow[] {
  const rows: TaskRow[] = [];
  let chars = 0;
  for (const seq of seqs) {
    if (chars > SHOW_CHARS) break;
    const row = reader.get<TaskRow>(`SELECT ${COLUMNS} FROM tasks WHERE seq = ?`, seq)!;
    const texts = [row.spec, row.description, row.payload, row.result, row.progress, row.error];
    for (const text of texts) chars += text?.length ?? 0;
    if (row.description === null) chars += BESIDE_CHARS;
    rows.push(row);
  }
  return rows;
}

/** Whether time has changed so many tasks that they are to be swept before anybody looks at all of them. */
export function isOverdue(reader: Reader): boolean {
  if (!mayHaveLapsed(reader)) return false;
  const { n } = reader.get<{ n: number }>(
    `SELECT COUNT(*) AS n FROM (
       SELECT 1 FROM ${HELD} holder IS NOT NULL AND due_at_ms <= ? LIMIT ${SORTED_AT_ONCE + 1})`,
    reader.nowMs,
  )!;
  return n > SORTED_AT_ONCE;
}
