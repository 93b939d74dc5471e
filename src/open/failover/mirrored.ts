/**
 * What an operation that Redis has answered leaves in the mirror: every lease that was granted, renewed or ended, so
 * that the directory knows every live one of the agents that share it.
 *
 * The mirror's instants are this host's, at the reply: never earlier than what Redis or the holder believes.
 * @module
 */
import { given } from "../../given.ts";
import type { Agent } from "../../agent/model.ts";
import type { Departure, RegisterOutcome, Registration } from "../../agent/store.ts";
import type { Actor } from "../../engine/actor.ts";
import type { Lease } from "../../lock/model.ts";
import type { AcquireOutcome, AcquireRequest } from "../../lock/store.ts";
import type { Task } from "../../task/model.ts";
import type {
  ChangeOutcome,
  ClaimOutcome,
  ClaimRequest,
  CompleteOutcome,
  CreateOutcome,
  HoldOutcome,
  TaskDraft,
} from "../../task/store.ts";
import type { Call } from "./call.ts";
import { leaseKeys } from "../../task/paths.ts";
import type { MirrorLease, MirrorLine } from "./mirror_line.ts";
import { isOpen } from "./open_tasks.ts";

/** When the reply came. */
interface Reply {
  /** This host's clock. */
  readonly nowMs: number;
  /** How far Redis' clock is ahead of it, as far as that is known. */
  readonly aheadMs: number;
}

/** A renewed lease counts at least this much longer than its instant on Redis' clock. */
const SKEW_MARGIN_MS = 100;

type Notes = Readonly<
  Record<string, (call: Call, result: never, reply: Reply) => readonly MirrorLine[]>
>;

const NOTES: Readonly<Record<string, Notes>> = {
  locks: {
    acquire: ({ args }, outcome: AcquireOutcome, { nowMs }) => {
      const [actor, request] = args as [Actor, AcquireRequest];
      const { waiter, paths, aliases = {}, mode, ttlMs } = request;
      if (outcome.kind === "held") {
        if (waiter === undefined) return [];
        const names = paths.flatMap((path) => [path, ...aliases[path] ?? []]);
        return [{ op: "wait", waiter: { id: waiter, agent: actor.name, mode, paths: names } }];
      }
      const leases = outcome.leases.map((lease) => ({
        ...lease,
        ...(aliases[lease.path] === undefined ? {} : { aliases: aliases[lease.path]! }),
        ttlMs,
        untilMs: nowMs + ttlMs,
      }));
      const granted: MirrorLine = { op: "lease", leases };
      return waiter === undefined ? [granted] : [granted, { op: "wait_end", id: waiter }];
    },
    abandon: ({ args }) => [{ op: "wait_end", id: String(args[0]) }],
    renew: ({ args }, outcome: { readonly renewed?: readonly Lease[] }, reply) => {
      if (outcome.renewed === undefined) return [];
      const asked = args[2] as number | undefined;
      return [{
        op: "renew",
        leases: outcome.renewed.map(({ path, fence, expiresAtMs }) => ({
          path,
          fence,
          untilMs: until(reply, asked, expiresAtMs),
          ...given({ ttlMs: asked }),
        })),
      }];
    },
    release: (_, { released }: { readonly released: readonly Lease[] }) => ended(released),
    releaseAll: (_, released: readonly Lease[]) => ended(released),
    break: (_, { broken }: { readonly broken: readonly Lease[] }) => ended(broken),
  },
  agents: {
    register: ({ args }, outcome: RegisterOutcome) => {
      const { tags } = args[0] as Registration;
      return outcome.kind === "registered"
        ? [{ op: "agent", agent: { ...outcome.agent, tags: tags ?? outcome.agent.tags } }]
        : [];
    },
    heartbeat: (_, agent: Agent, { nowMs }) => [
      { op: "beat", holder: agent.name, atMs: nowMs },
      { op: "agent", agent },
    ],
    deregister: ({ args }, left: Departure | undefined) => {
      if (left === undefined) return [];
      const name = String(args[0]);
      return [
        { op: "end_all", holder: name, fence: left.fence },
        { op: "agent_gone", name, atMs: left.atMs },
      ];
    },
  },
  tasks: {
    claim: ({ args }, { tasks }: ClaimOutcome, reply) =>
      claimed(tasks, (args[1] as ClaimRequest).leaseMs, reply),
    complete: ({ args }, outcome: CompleteOutcome, reply) =>
      outcome.kind === "done"
        ? [
          ...endedTask(outcome.task),
          ...claimed(outcome.next, (args[3] as ClaimRequest | undefined)?.leaseMs, reply),
        ]
        : [],
    renew: ({ args }, outcome: HoldOutcome, reply) => {
      if (outcome.kind !== "done" || outcome.task.lease === undefined) return [];
      const { leaseMs, progress } = args[2] as { leaseMs?: number; progress?: string };
      const { id, lease: { fence, expiresAtMs } } = outcome.task;
      const untilMs = until(reply, leaseMs, expiresAtMs);
      const leases = leaseKeys(outcome.task, fence).map((key) => ({
        ...key,
        untilMs,
        ...given({ ttlMs: leaseMs }),
      }));
      return [
        {
          op: "renew_task",
          id,
          fence,
          untilMs,
          ...given({ leaseMs }),
          ...(progress === undefined ? {} : { progress }),
        },
        ...(leases.length === 0 ? [] : [{ op: "renew", leases } as const]),
      ];
    },
    create: ({ args }, outcome: CreateOutcome) => {
      if (outcome.kind !== "created") return [];
      const drafts = args[1] as readonly TaskDraft[];
      // One that was known by its key has been counted before.
      const ids = outcome.tasks.filter(({ id }, at) => id === drafts[at]?.id).map(({ id }) => id);
      return ids.length === 0 ? [] : [{ op: "opened", ids }];
    },
    retry: (_, outcome: ChangeOutcome) =>
      outcome.kind === "done" ? [{ op: "opened", ids: [outcome.task.id], again: true }] : [],
    fail: (_, outcome: HoldOutcome) => outcome.kind === "done" ? endedTask(outcome.task) : [],
    release: (_, outcome: HoldOutcome) => outcome.kind === "done" ? endedTask(outcome.task) : [],
    cancel: (_, outcome: ChangeOutcome) => outcome.kind === "done" ? endedTask(outcome.task) : [],
  },
};

/** What to append to the mirror before the call's answer goes out. */
export function notesOf(call: Call, result: unknown, reply: Reply): readonly MirrorLine[] {
  const note = NOTES[call.primitive]?.[call.method];
  return note === undefined ? [] : note(call, result as never, reply);
}

/** Until when a lease counts that was renewed by this length, or by one that is known to Redis alone. */
function until({ nowMs, aheadMs }: Reply, lengthMs: number | undefined, expiresAtMs: number) {
  return Math.max(nowMs + (lengthMs ?? 0), expiresAtMs - aheadMs + SKEW_MARGIN_MS);
}

function ended(leases: readonly Lease[]): readonly MirrorLine[] {
  if (leases.length === 0) return [];
  return [{ op: "end", leases: leases.map(({ path, fence }) => ({ path, fence })) }];
}

/** A task that nobody has had yet has no tenure that could end, but may end itself. */
function endedTask(task: Task): readonly MirrorLine[] {
  const { id, status, attempts } = task;
  const fence = attempts.at(-1)?.fence ?? 0;
  const leases = fence === 0 ? [] : leaseKeys(task, fence);
  const ends: readonly MirrorLine[] = leases.length === 0 ? [] : [{ op: "end", leases }];
  if (!isOpen(status)) return [{ op: "end_task", id, fence, forGood: true }, ...ends];
  return fence === 0 ? [] : [{ op: "end_task", id, fence }, ...ends];
}

function claimed(
  tasks: readonly Task[],
  leaseMs: number | undefined,
  reply: Reply,
): readonly MirrorLine[] {
  if (tasks.length === 0) return [];
  const untilMs = tasks.map(({ lease }) => until(reply, leaseMs, lease?.expiresAtMs ?? 0));
  const leases = tasks.flatMap((task, index) => leasesOf(task, untilMs[index]!));
  return [
    { op: "claim", tasks, untilMs, ...(leaseMs === undefined ? {} : { leaseMs }) },
    ...(leases.length === 0 ? [] : [{ op: "lease", leases } as const]),
  ];
}

/** The locks on the paths of a task that was just claimed. */
function leasesOf(task: Task, untilMs: number): readonly MirrorLease[] {
  const { id, title, lease, attempts, paths = [] } = task;
  if (lease === undefined) return [];
  const { holder, fence, expiresAtMs } = lease;
  const acquiredAtMs = attempts.at(-1)!.startedAtMs;
  return paths.map((path) => ({
    ...path,
    holder,
    fence,
    intent: title,
    ttlMs: expiresAtMs - acquiredAtMs,
    acquiredAtMs,
    untilMs,
    taskId: id,
  }));
}
