/**
 * Tasks on their way into Redis; see take.lua.
 * @module
 */
import { writeInPortions } from "../../engine/redis/portions.ts";
import { script } from "../../engine/redis/script.ts";
import type { ScriptRunner } from "../../engine/redis/script_runner.ts";
import type { Target, TransferConflict } from "../../transfer.ts";
import { DEFAULT_BACKOFF } from "../backoff.ts";
import { conflict, keyConflict, type MovedTask, type TaskRecord } from "../transfer.ts";
import { textsOf } from "./rows.ts";

const TAKE = script("task/take");

/** How many tasks one operation takes over: a few milliseconds of the server. */
const TAKEN_AT_ONCE = 50;

/** The tasks of a namespace. */
export class RedisTaskTransfer implements Target<TaskRecord> {
  readonly #runner: ScriptRunner;
  readonly #isAlone: boolean;

  /**
   * Uses the runner's connection and namespace. `isAlone`: nobody but those whose tasks are taken over uses it, so that
   * whoever has had a task here since was never answered, and what is told counts. Default `false`.
   */
  constructor(runner: ScriptRunner, { isAlone = false }: { readonly isAlone?: boolean } = {}) {
    this.#runner = runner;
    this.#isAlone = isAlone;
  }

  async take(records: readonly TaskRecord[]): Promise<readonly TransferConflict[]> {
    const refusals = await writeInPortions<TaskRecord, TaskRefusal>(this.#runner, TAKE, records, {
      atOnce: TAKEN_AT_ONCE,
      head: [this.#isAlone ? 1 : ""],
      argumentsOf,
    });
    return refusals.map(taskConflict);
  }
}

/** What take.lua answers of a task that was not taken over as told. */
export type TaskRefusal = readonly [
  id: string,
  kind: "key" | "late" | "theirs" | "needed" | "held",
  more: string,
];

/** The conflict that this tells of. */
export function taskConflict([id, kind, more]: TaskRefusal): TransferConflict {
  switch (kind) {
    case "key":
      return keyConflict(id, more);
    case "late":
      return conflict(
        id,
        `kept as a late result: somebody else has had the task since, which is ${more}`,
      );
    case "theirs":
      return conflict(id, `not taken over: somebody else has had the task since, which is ${more}`);
    case "needed":
      return conflict(id, "kept, since others wait for it");
    case "held":
      return conflict(id, `kept, since ${more} has claimed it`);
  }
}

function argumentsOf(record: TaskRecord): (string | number)[] {
  if ("removed" in record) return ["removed", record.removed, record.fence, record.status];
  const { id, key = "", attempts, result } = record;
  const { error, progress } = attempts.at(-1) ?? {};
  const older = attempts.slice(0, -1).map((attempt) => JSON.stringify(attempt));
  const said = (text: string | undefined) => text === undefined ? "" : `=${text}`;
  return [
    "moved",
    id,
    key,
    JSON.stringify(fieldsOf(record)),
    textsOf(record),
    said(error),
    said(progress),
    result === undefined ? "" : JSON.stringify(result),
    older.length,
    ...older,
  ];
}

/** What take.lua reads of a task besides its texts. What is left out it knows, or else `usual` holds. */
function fieldsOf(record: MovedTask) {
  const { attempts, backoff, leaseMs } = record;
  const newest = attempts.at(-1);
  const { holder, fence, startedAtMs, endedAtMs, outcome } = newest ?? {};
  return {
    priority: record.priority,
    max: record.maxAttempts,
    tags: record.tags.join(),
    lease: record.defaultLeaseMs,
    kind: backoff?.kind.charAt(0),
    base: backoff?.baseMs,
    usual: {
      lease: leaseMs,
      kind: DEFAULT_BACKOFF.kind.charAt(0),
      base: DEFAULT_BACKOFF.baseMs,
    },
    start: record.notBeforeMs,
    created: record.createdAtMs,
    by: record.createdBy,
    needs: record.dependsOn.join(),
    waits: record.waitsFor.join(),
    status: record.status,
    spent: record.spent,
    updated: record.updatedAtMs,
    length: leaseMs,
    left: record.leftMs,
    due: record.dueAtMs,
    first: record.attemptsLeftOut,
    newest: newest && { holder, fence, startedAtMs, endedAtMs, outcome },
  };
}
