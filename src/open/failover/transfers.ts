/**
 * The rooms' transfers put together: what failing over carries into the directory, what a Redis without memory gets
 * back, and what failing back moves.
 * @module
 */
import type { Agent } from "../../agent/model.ts";
import type { AgentRecord } from "../../agent/transfer.ts";
import { given } from "../../given.ts";
import { markCarried } from "../../engine/directory/journal.ts";
import type { Reader } from "../../engine/directory/transaction.ts";
import { DirectoryAgentTransfer } from "../../agent/directory/transfer.ts";
import { RedisAgentTransfer } from "../../agent/redis/transfer.ts";
import { DirectoryApprovalTransfer } from "../../approval/directory/transfer.ts";
import { approvalConflict, RedisApprovalTransfer } from "../../approval/redis/transfer.ts";
import { DirectoryAuditTransfer } from "../../audit/directory/transfer.ts";
import { RedisAuditTransfer } from "../../audit/redis/transfer.ts";
import { keyConflict } from "../../audit/transfer.ts";
import { DirectoryBoardTransfer } from "../../board/directory/transfer.ts";
import { RedisBoardTransfer, threadConflict } from "../../board/redis/transfer.ts";
import { type KeptConflict, keptConflicts } from "../../engine/redis/conflicts.ts";
import { type Raised, raiseNumbers } from "../../engine/redis/raise.ts";
import { DirectoryEventTransfer } from "../../event/directory/transfer.ts";
import { RedisEventTransfer } from "../../event/redis/transfer.ts";
import { DirectoryLockTransfer } from "../../lock/directory/transfer.ts";
import { lockConflict, RedisLockTransfer } from "../../lock/redis/transfer.ts";
import type { LockRecord } from "../../lock/transfer.ts";
import { DirectoryTaskTransfer } from "../../task/directory/transfer.ts";
import { RedisTaskTransfer, taskConflict } from "../../task/redis/transfer.ts";
import { recordOfClaim } from "../../task/transfer.ts";
import { endUnknownLeases, liveIn } from "./live.ts";
import type { PortionLimit, Source, Target, TransferConflict } from "../../transfer.ts";
import type { DirectoryStore } from "../directory.ts";
import type { RedisStore } from "../redis.ts";
import { type FailedBack, tellFailedBack } from "./change_events.ts";
import type { MirrorState } from "./mirror_line.ts";
import { openTasksOn } from "./open_tasks.ts";

/** How much one script takes over. */
const PORTION: PortionLimit = { records: 250, bytes: 1_048_576 };

/** A source and its target, of one room, whatever its records are. */
interface Way {
  /** Whether there was anything to move. */
  move(): Promise<boolean>;
  markAll(): Promise<void>;
}

function way<Record>(source: Source<Record>, target: Target<Record>): Way {
  return {
    async move() {
      const { records, keys } = await source.changed(PORTION);
      if (keys.length === 0) return false;
      await target.take(records);
      await source.settle(keys);
      return true;
    },
    markAll: () => source.markAll(),
  };
}

async function takeAll<Record>(target: Target<Record>, records: readonly Record[]): Promise<void> {
  for (let at = 0; at < records.length; at += PORTION.records) {
    await target.take(records.slice(at, at + PORTION.records));
  }
}

/** Everything that is live in a mirror, as records. */
function recordsOf(state: MirrorState, nowMs: number) {
  const leases = state.leases.map(({ untilMs, ...lease }): LockRecord => ({
    kind: "lease",
    ...lease,
    leftMs: untilMs - nowMs,
  }));
  const tasks = state.tasks.map(({ task, leaseMs, untilMs }) =>
    recordOfClaim(task, untilMs - nowMs, leaseMs ?? untilMs - nowMs)
  );
  const fence = Math.max(
    0,
    ...state.leases.map((lease) => lease.fence),
    ...state.tasks.map(({ task }) => task.lease?.fence ?? 0),
  );
  return { leases, tasks, agents: state.agents.map(recordOfAgent), fence };
}

/** Who waits for locks, in order. */
function waitersOf({ waiters }: MirrorState): readonly LockRecord[] {
  return waiters.map(({ id, agent, mode, paths }) => ({ kind: "waiter", id, agent, mode, paths }));
}

function recordOfAgent(agent: Agent): AgentRecord {
  const { id, name, role, workingOn, status, tags, host, pid, registeredAtMs, lastHeartbeatAtMs } =
    agent;
  return {
    id,
    name,
    // Who has this name registered it: what is known by its acts alone is not in a mirror.
    registration: id,
    role,
    workingOn,
    status: status === "idle" || status === "blocked" ? status : "active",
    tags,
    host,
    ...given({ pid }),
    ttlMs: agent.expiresAtMs - lastHeartbeatAtMs,
    registeredAtMs,
    lastHeartbeatAtMs,
  };
}

/** Carries what is live into the fresh database of an outage. */
export async function carryOver(
  { engine }: DirectoryStore,
  state: MirrorState,
  nowMs: number,
): Promise<void> {
  const { leases, tasks, agents, fence } = recordsOf(state, nowMs);
  await engine.write(undefined, (tx) => tx.startAbove({ fence, event: 0 }));
  await takeAll(new DirectoryAgentTransfer(engine), agents);
  const locks = new DirectoryLockTransfer(engine);
  await takeAll(locks, leases);
  await takeAll(locks, waitersOf(state));
  await takeAll(new DirectoryTaskTransfer(engine), tasks);
  await engine.write(undefined, markCarried);
}

/** Puts what is live back into a Redis that may have lost it. */
export async function putBack(
  { runner }: RedisStore,
  state: MirrorState,
  { nowMs, keepOthers }: { readonly nowMs: number; readonly keepOthers: boolean },
): Promise<void> {
  const { leases, tasks, agents } = recordsOf(state, nowMs);
  await takeAll(new RedisAgentTransfer(runner), agents);
  const locks = new RedisLockTransfer(runner, { keepOthers });
  await takeAll(locks, leases);
  await takeAll(locks, waitersOf(state));
  await takeAll(new RedisTaskTransfer(runner), tasks);
}

/** What moves an outage's changes into Redis. */
export interface Move {
  /** Moves some of what is left; whether there was any. */
  portion(): Promise<boolean>;
  /** Everything is to be moved again. */
  markAll(): Promise<void>;
  /**
   * Ends it, once nothing is left and nobody can change anything: what Redis granted to calls that were given up ends,
   * who waits for locks keeps its place, and followers are told.
   *
   * @returns what could not be taken over as it was, whichever process has moved it.
   */
  finish(told: FailedBack): Promise<readonly TransferConflict[]>;
  /** What is live, for a new mirror. */
  live(nowMs: number): Promise<MirrorState>;
}

/** What the rooms' scripts answer, by room. */
const CONFLICTS: Readonly<Record<string, (told: never) => TransferConflict>> = {
  lock: lockConflict,
  task: taskConflict,
  board: threadConflict,
  approval: approvalConflict,
  audit: keyConflict,
};

function conflictOf({ room, told }: KeptConflict): TransferConflict {
  return CONFLICTS[room]!(told as never);
}

/** Gives Redis a new memory, and numbers above the directory's. `isFirst`: nothing was moved before. */
export async function raise(
  { engine }: DirectoryStore,
  { runner }: RedisStore,
  options: { readonly isFirst: boolean },
): Promise<Raised> {
  return await raiseNumbers(runner, await engine.read(numbersOf), options);
}

/**
 * The way from the directory's database of an outage into Redis; `isAlone`: no other site uses it. `site` and `epoch` tell the
 * outage from all others, also of other sites.
 */
export function openMove(
  directory: DirectoryStore,
  redis: RedisStore,
  { isAlone, site, epoch }: {
    readonly isAlone: boolean;
    readonly site: string;
    readonly epoch: number;
  },
): Move {
  const { engine } = directory;
  const { runner } = redis;
  const locks = new DirectoryLockTransfer(engine);
  const redisLocks = new RedisLockTransfer(runner, { keepOthers: !isAlone });
  const ways = [
    way(new DirectoryAgentTransfer(engine), new RedisAgentTransfer(runner)),
    way(locks, redisLocks),
    way(new DirectoryTaskTransfer(engine), new RedisTaskTransfer(runner, { isAlone })),
    way(new DirectoryBoardTransfer(engine), new RedisBoardTransfer(runner)),
    way(new DirectoryApprovalTransfer(engine), new RedisApprovalTransfer(runner)),
    way(new DirectoryAuditTransfer(engine), new RedisAuditTransfer(runner)),
  ];
  const events = new DirectoryEventTransfer(engine);
  const redisEvents = new RedisEventTransfer(runner, { outage: `${site}.${epoch}` });
  const portion = async (): Promise<boolean> => {
    for (const each of ways) if (await each.move()) return true;
    const { records, keys } = await events.changed(PORTION);
    // The last ones go with the change of the record.
    if (keys.length < PORTION.records) return false;
    await redisEvents.take(records);
    await events.settle(keys);
    return true;
  };
  return {
    portion,
    markAll: async () => {
      for (const each of ways) await each.markAll();
      await events.markAll();
    },
    finish: async (told) => {
      if (isAlone) await endUnknownLeases(directory, redis);
      await takeAll(redisLocks, await locks.waiters());
      const conflicts = (await keptConflicts(runner)).map(conflictOf);
      await tellFailedBack(directory, site, told, conflicts);
      for (;;) {
        const { records, keys, more } = await events.changed(PORTION);
        await redisEvents.take(records, { last: !more });
        await events.settle(keys);
        if (!more) return conflicts;
      }
    },
    live: async (nowMs) => ({
      ...await liveIn(directory, nowMs),
      ...given({ openTasks: await openTasksOn(redis, nowMs) }),
    }),
  };
}

function numbersOf(reader: Reader): { nowMs: number; fence: number; event: number } {
  const row = reader.get<{ fence: number; event: number }>("SELECT fence, event FROM state");
  return { nowMs: reader.nowMs, fence: row?.fence ?? 0, event: row?.event ?? 0 };
}
