/**
 * What the task queue says when it refuses.
 * @module
 */
import { formatDuration } from "../duration.ts";
import {
  ConflictError,
  type CoordError,
  LeaseLostError,
  NotFoundError,
  NothingToClaimError,
} from "../errors.ts";
import { printable, quote } from "../name.ts";
import type { Attempt, Task } from "./model.ts";
import type { Actor } from "../engine/actor.ts";
import type { ChangeOutcome, ClaimRequest, HoldOutcome, Tenure } from "./store.ts";

/** There is no such task. */
export function unknownTask(id: string): NotFoundError {
  return new NotFoundError(`No task ${quote(id)}; "task list" shows those there are`, {
    id: printable(id),
  });
}

/** The batch depends on something that is no task. */
export function unknownDependency(
  dependency: string,
  index: number,
  title: string,
): NotFoundError {
  return new NotFoundError(
    `Cannot create task ${quote(title)}: it depends on ${quote(dependency)}, which is no task`,
    { id: printable(dependency), index },
  );
}

/** Nothing qualifies. */
export function nothingToClaim(
  { tags, match }: Pick<ClaimRequest, "tags" | "match">,
  waitMs: number,
): NothingToClaimError {
  const joined = tags.map((tag) => quote(tag)).join(match === "any" ? " or " : " and ");
  const tagged = tags.length === 0 ? "" : ` with ${tags.length === 1 ? "tag" : "tags"} ${joined}`;
  const waited = waitMs > 0 ? ` after ${formatDuration(waitMs)}` : "";
  return new NothingToClaimError(`No pending task${tagged} to claim${waited}`, {
    tags,
    match,
    waitMs,
  });
}

/** The actor does not hold the task, or not under this fence. */
export function leaseLost(
  verb: string,
  agent: string,
  task: Task,
  fence: number | undefined,
): LeaseLostError {
  const under = fence === undefined ? "" : ` under fence ${fence}`;
  return new LeaseLostError(
    `Cannot ${verb} task ${quote(task.id)}: ${quote(agent)} does not hold it${under}; ` +
      standing(task),
    {
      id: task.id,
      fence: fence ?? null,
      agent,
      status: task.status,
      cancelled: task.status === "cancelled",
      lease: task.lease ?? null,
    },
  );
}

/** The task's status forbids it. */
export function wrongStatus(verb: string, task: Task, fix: string): ConflictError {
  return new ConflictError(
    `Cannot ${verb} task ${quote(task.id)}: ${standing(task)}; ${fix}`,
    { id: task.id, status: task.status, lease: task.lease ?? null },
    false,
  );
}

/** How the task stands, as the second half of a sentence. */
function standing({ status, lease, attempts }: Task): string {
  if (lease !== undefined) {
    return `it is held by ${quote(lease.holder)} under fence ${lease.fence} now`;
  }
  const last = attempts.at(-1);
  const before = last === undefined ? "" : `; its last attempt, ${ended(last)}`;
  return status === "cancelled" ? "it was cancelled" : `it is ${status} now${before}`;
}

function ended({ holder, fence, outcome }: Attempt): string {
  return `by ${quote(holder)} under fence ${fence}, ended as ${outcome}`;
}

/** Why a call that needs the lease was refused. */
export function refusal(
  outcome: Exclude<HoldOutcome, { readonly kind: "done" }>,
  verb: string,
  { name }: Actor,
  { id, fence }: Tenure,
): CoordError {
  return outcome.kind === "unknown" ? unknownTask(id) : leaseLost(verb, name, outcome.task, fence);
}

/** The task that was changed, or why it was not. */
export function changed(outcome: ChangeOutcome, verb: string, id: string, fix: string): Task {
  if (outcome.kind === "done") return outcome.task;
  throw outcome.kind === "unknown" ? unknownTask(id) : wrongStatus(verb, outcome.task, fix);
}
