/**
 * How to call the task queue, and the checks of what was asked for.
 * @module
 */
import {
  checkChoice,
  checkFence,
  checkInteger,
  checkLeaseMs,
  checkTags,
  invalid,
} from "../check.ts";
import { checkName, LIMITS } from "../name.ts";
import type { PruneOptions } from "../prune.ts";
import {
  type EndedStatus,
  type JsonValue,
  type Task,
  TASK_STATUSES,
  type TaskStatus,
} from "./model.ts";
import {
  type ClaimRequest,
  type ListOrder,
  STAGE_PLACES,
  type TaskQuery,
  type Tenure,
} from "./store.ts";

/** Which tasks to claim. */
export interface NextOptions {
  /** Only tasks with these tags. Default: any task. */
  readonly tags?: readonly string[];
  /** Whether `any` one of the tags is enough, or a task must carry `all` of them. Default `any`. */
  readonly match?: "any" | "all";
  /** Length of the lease in milliseconds, 100 ms to 30 days. Default: as each task says. */
  readonly leaseMs?: number;
  /** How many at most, 1 to 100. Default 1. */
  readonly count?: number;
}

/** How to claim. */
export interface ClaimOptions extends NextOptions {
  /** How long to wait for a task when there is none, in milliseconds. Default 0: not at all. */
  readonly waitMs?: number;
  /** Ends the wait early. */
  readonly signal?: AbortSignal;
}

/** Which tenure a call means. */
export interface TaskTenure {
  /** The lease's fence; without it the acting agent must be the holder. */
  readonly fence?: number;
}

/** How to renew. */
export interface RenewOptions extends TaskTenure {
  /** New length of the lease in milliseconds, counted from now. Default: as it was. Never shortens it. */
  readonly leaseMs?: number;
  /** A note on how far the work is, at most 64 KiB; the next holder finds it if this one fails. */
  readonly progress?: string;
}

/** How to complete. */
export interface CompleteOptions extends TaskTenure {
  /** What came of it: anything JSON can say, at most 256 KiB of it; see {@linkcode JsonValue}. */
  readonly result?: JsonValue;
}

/** How to fail. */
export interface FailOptions extends TaskTenure {
  /** What went wrong, at most 64 KiB. */
  readonly error: string;
  /** Whether another attempt may succeed. Default `true`; `false` makes the task dead at once. */
  readonly retry?: boolean;
}

/** How to release a task. */
export interface ReleaseTaskOptions extends TaskTenure {
  /** Why, at most 64 KiB; kept with the attempt. */
  readonly reason?: string;
  /**
   * When it may be claimed again at the earliest, in epoch milliseconds, as when a rate limit ends: until then the task is
   * scheduled. Default: at once.
   */
  readonly notBeforeMs?: number;
}

/** Which tasks to list. */
export interface ListTasksOptions {
  /** Only tasks that stand so. */
  readonly status?: TaskStatus;
  /** Only tasks with these tags. */
  readonly tags?: readonly string[];
  /** Whether `any` one of the tags is enough, or a task must carry `all` of them. Default `any`. */
  readonly match?: "any" | "all";
  /** Only tasks that this agent holds. */
  readonly holder?: string;
  /** Only tasks that this agent created. */
  readonly createdBy?: string;
  /**
   * `created`: as they were created. `claim`: those that are open first, the claimed before the pending in the
   * order in which claims take them, the blocked and the scheduled; then all that have ended, as they were
   * created. Default `created`.
   */
  readonly order?: "created" | "claim";
  /** Most tasks to return, 1 to 1000. Default 100. */
  readonly limit?: number;
  /** Where to go on: the `nextCursor` of an earlier page in the same order. */
  readonly cursor?: string;
}

/** Some tasks, in the order that was asked for. */
export interface TaskPage {
  /** The tasks. */
  readonly tasks: readonly Task[];
  /** Pass it as `cursor` to go on; absent at the end. */
  readonly nextCursor?: string;
}

/** Most tasks that one claim takes. */
const MAX_CLAIM = 100;

/** The tenure that a call means; an identifier that no task can have is one that no task has. */
export function checkTenure(id: string, { fence }: TaskTenure): Tenure {
  return { id: String(id), ...(fence === undefined ? {} : { fence: checkFence(fence, "fence") }) };
}

/** What a claim asks for. */
export function checkClaim({ tags, match, leaseMs, count = 1 }: NextOptions): ClaimRequest {
  return {
    ...checkFilter({ tags, match }),
    ...(leaseMs === undefined ? {} : { leaseMs: checkLeaseMs(leaseMs, "leaseMs") }),
    count: checkInteger(count, "count", { min: 1, max: MAX_CLAIM }),
  };
}

/** What a list asks for. */
export function checkQuery(
  { status, holder, createdBy, order = "created", limit = 100, cursor, tags, match }:
    ListTasksOptions,
): TaskQuery {
  checkChoice(order, "order", ["created", "claim"]);
  return {
    ...checkFilter({ tags, match }),
    ...(status === undefined ? {} : { status: checkChoice(status, "status", TASK_STATUSES) }),
    ...(holder === undefined ? {} : { holder: checkName(holder, "holder") }),
    ...(createdBy === undefined ? {} : { createdBy: checkName(createdBy, "createdBy") }),
    limit: checkInteger(limit, "limit", { min: 1, max: LIMITS.batch }),
    order,
    after: cursor === undefined ? 0 : parseCursor(cursor, order),
  };
}

/** What the cursors of each order look like: one of the other order would lead anywhere. */
const CURSORS = { created: /^after-()(\d{1,15})$/, claim: /^stage-(\d\d?)-(\d{1,13})$/ } as const;

/** The cursor that goes on after this place. */
export function cursorAfter(place: number, order: ListOrder): string {
  if (order === "created") return `after-${place}`;
  return `stage-${Math.floor(place / STAGE_PLACES)}-${place % STAGE_PLACES}`;
}

function parseCursor(cursor: unknown, order: ListOrder): number {
  const found = typeof cursor === "string" ? CURSORS[order].exec(cursor) : null;
  if (found === null) throw invalid(cursor, "cursor", "use the nextCursor of an earlier page");
  return Number(found[1]) * STAGE_PLACES + Number(found[2]);
}

function checkFilter(
  { tags = [], match = "any" }: {
    readonly tags: readonly string[] | undefined;
    readonly match: "any" | "all" | undefined;
  },
): Pick<ClaimRequest, "tags" | "match"> {
  return {
    tags: checkTags(tags, "tags"),
    match: checkChoice(match, "match", ["any", "all"]),
  };
}

/** What to remove; see {@linkcode Tasks.prune}. */
export interface PruneTasksOptions extends PruneOptions {
  /** Default `completed` and `cancelled`. */
  readonly statuses?: readonly EndedStatus[];
}

/** The statuses to remove. */
export function checkStatuses(
  { statuses = ["completed", "cancelled"] }: PruneTasksOptions,
): readonly EndedStatus[] {
  if (!Array.isArray(statuses) || statuses.length === 0) {
    throw invalid(statuses, "statuses", "use a list of completed, dead and cancelled");
  }
  return statuses.map((status) =>
    checkChoice<EndedStatus>(status, "statuses", ["completed", "dead", "cancelled"])
  );
}
