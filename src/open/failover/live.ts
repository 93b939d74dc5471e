/**
 * What is live in the directory at the end of an outage, which Redis and the new mirror have to know, and nothing else.
 * @module
 */
import { DirectoryLockTransfer } from "../../lock/directory/transfer.ts";
import { RedisLockTransfer } from "../../lock/redis/transfer.ts";
import type { LockRecord } from "../../lock/transfer.ts";
import { DirectoryTaskTransfer } from "../../task/directory/transfer.ts";
import type { DirectoryStore } from "../directory.ts";
import type { RedisStore } from "../redis.ts";
import type { MirrorLease, MirrorState, MirrorTask } from "./mirror_line.ts";

/** Leases that one call asks Redis for: a millisecond or two of the server. */
const ASKED_AT_ONCE = 1000;

/** All of it, as a mirror has it. */
export async function liveIn(
  directory: DirectoryStore,
  nowMs: number,
): Promise<Omit<MirrorState, "openTasks">> {
  const { engine } = directory;
  const locks = new DirectoryLockTransfer(engine);
  const leases = (await locks.living()).map(({ kind: _, leftMs, ...lease }): MirrorLease => ({
    ...lease,
    untilMs: nowMs + leftMs,
  }));
  const waiters = (await locks.waiters()).map(({ id, agent, mode, paths }) => ({
    id,
    agent,
    mode,
    paths,
  }));
  const tasks = (await new DirectoryTaskTransfer(engine).claimed())
    .map(({ task, leaseMs, leftMs }): MirrorTask => ({ task, leaseMs, untilMs: nowMs + leftMs }));
  return { leases, tasks, agents: await (await directory.agents()).list(), waiters };
}

/**
 * Ends the leases on Redis that the directory does not know: calls that were given up were granted them. Once everything
 * was moved Redis has all others, so that mostly counting them is enough.
 */
export async function endUnknownLeases(
  directory: DirectoryStore,
  redis: RedisStore,
): Promise<void> {
  const [here, there] = [await directory.locks(), await redis.locks()];
  if (await here.count() === await there.count()) return;
  const source = new DirectoryLockTransfer(directory.engine);
  const target = new RedisLockTransfer(redis.runner);
  const unknown: LockRecord[] = [];
  for (let from = 0;; from += ASKED_AT_ONCE) {
    const leases = await target.live(from, ASKED_AT_ONCE);
    const ended = await source.unknown(leases);
    unknown.push(...ended.map(({ path, fence }): LockRecord => ({ kind: "ended", path, fence })));
    if (leases.length < ASKED_AT_ONCE) break;
  }
  await target.take(unknown);
}
