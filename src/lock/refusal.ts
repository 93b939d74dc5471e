/**
 * How the refusals of locks read: which lease stands in the way, and what its asker can do.
 * @module
 */
import { formatDuration } from "../duration.ts";
import { ConflictError, LeaseLostError, TimeoutError } from "../errors.ts";
import { printable, quote } from "../name.ts";
import type { Lease, LockCheck } from "./model.ts";
import type { AcquireOptions, Refusal } from "./options.ts";
import type { LostLease } from "./store.ts";

/** `it is held by "ada" (fix auth)`, or `"src" is held by …` when the lease is not on the path asked for. */
export function heldBy(lease: Lease, asked: string): string {
  return `${lease.path === asked ? "it" : quote(lease.path)} is ${holding(lease)}`;
}

function holding({ holder, intent }: Lease): string {
  return `held by ${quote(holder)}${intent === "" ? "" : ` (${printable(intent)})`}`;
}

/** The error of an acquisition that `agent` was refused. */
export function refusal(
  { blocker, nowMs }: Refusal,
  agent: string,
  { waitMs = 0, mode = "exclusive", reentrant = false }: AcquireOptions,
): ConflictError | TimeoutError {
  const asked = blocker.kind === "lease" ? blocker.asked : blocker.path;
  const [why, details] = blocker.kind === "lease"
    ? [
      `${
        blocker.lease.path === asked ? holding(blocker.lease) : heldBy(blocker.lease, asked)
      }, free in ${formatDuration(blocker.lease.expiresAtMs - nowMs)} at the latest${
        ownHint(blocker.lease, agent, { mode, reentrant })
      }`,
      {
        ...blocker.lease,
        asked,
        ageMs: nowMs - blocker.lease.acquiredAtMs,
        remainingMs: blocker.lease.expiresAtMs - nowMs,
      },
    ]
    : [`${quote(blocker.holder)} has queued for it first`, { ...blocker, asked }];
  return waitMs > 0
    ? new TimeoutError(
      `Gave up on lock ${quote(asked)} after ${formatDuration(waitMs)}: ${why}`,
      { ...details, waitMs },
    )
    : new ConflictError(`Cannot acquire lock ${quote(asked)}: ${why}`, details);
}

/** That other agents hold some of these paths; nothing when they hold none. */
export function heldConflict(
  checks: readonly LockCheck[],
  nowMs: number,
): ConflictError | undefined {
  const held = checks.filter(({ state }) => state === "held");
  const [first] = held;
  if (first?.lease === undefined) return undefined;
  const { path, lease } = first;
  const others = held.length - 1;
  const more = others === 0
    ? ""
    : `; ${others} more ${others === 1 ? "path is" : "paths are"} held`;
  const who = lease.path === path ? `is ${holding(lease)}` : `is not free: ${heldBy(lease, path)}`;
  return new ConflictError(
    `Lock ${quote(path)} ${who}, free in ${
      formatDuration(lease.expiresAtMs - nowMs)
    } at the latest${more}`,
    { checks },
  );
}

/** What an agent can do about a lease of its own that is in its way. */
function ownHint(
  lease: Lease,
  agent: string,
  { mode, reentrant }: Required<Pick<AcquireOptions, "mode" | "reentrant">>,
): string {
  if (lease.holder !== agent) return "";
  if (lease.mode === "shared" && mode === "exclusive") {
    return "; you hold it shared: release it before you acquire it exclusively";
  }
  if (reentrant) return "";
  return "; you hold it already: extend it with lock renew, or acquire with --reentrant " +
    "(reentrant: true)";
}

/** The error of a renewal or release for which `agent` no longer has the lease. */
export function lost(
  verb: "renew" | "release",
  agent: string,
  leases: readonly LostLease[],
  fence: number | undefined,
  released: readonly Lease[] = [],
): LeaseLostError | ConflictError {
  const [{ path, current, covering }] = leases as [LostLease];
  if (current?.taskId !== undefined && current.holder === agent) {
    return partOfClaim(verb, path, current, { released });
  }
  const under = fence === undefined ? "" : ` under fence ${fence}`;
  const now = current === undefined
    ? covering === undefined ? "nobody holds it now" : coveredBy(covering, verb)
    : `it is ${holding(current)} under fence ${current.fence} now`;
  return new LeaseLostError(
    `Cannot ${verb} lock ${quote(path)}: ${quote(agent)} does not hold it${under}; ${now}`,
    { path, fence: fence ?? null, agent, lost: leases, released },
  );
}

const INSTEAD = {
  renew: "renew that with task renew",
  release: "it ends with that: complete, fail or release the task",
  break: "end that with task cancel; task retry brings the task back",
};

/** That a lock is part of a task's claim, so that nothing can be done to it alone. */
export function partOfClaim(
  verb: keyof typeof INSTEAD,
  path: string,
  lease: Lease,
  details: Readonly<Record<string, unknown>> = {},
): ConflictError {
  return new ConflictError(
    `Cannot ${verb} lock ${quote(path)}: it is part of the claim of task ${lease.taskId} by ` +
      `${quote(lease.holder)}; ${INSTEAD[verb]}`,
    { path, lease, ...details },
    false,
  );
}

function coveredBy({ path, fence }: Lease, verb: string): string {
  return `its lock ${quote(path)} (fence ${fence}) covers it: ${verb} that`;
}
