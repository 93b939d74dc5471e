/**
 * One process of the self-test: fights for a lock, drains tasks, and waits to be woken.
 * @module
 */
import { sleep } from "../clock.ts";
import type { RoomContext } from "../context.ts";
import { Locks } from "../lock/lock.ts";
import { type Task, Tasks } from "../task/task.ts";

/** What one process of the self-test saw. */
export interface WorkerReport {
  /** How often it held the lock, each time adding one to the file. */
  readonly increments: number;
  /** How often it found somebody else inside. */
  readonly overlaps: number;
  /** Identifiers of the tasks it completed. */
  readonly completed: readonly string[];
  /** When it claimed its first task and had completed its last, in epoch milliseconds. */
  readonly drainedMs?: readonly [number, number];
  /** How long after a task was there it had it in hand, for each that it waited for. */
  readonly wakesMs: readonly number[];
}

/** Which tasks are only to be drained, which are to wake somebody, and which end the test. */
export const TASK_TAGS = { drain: "drain", wake: "wake", stop: "stop" } as const;

/** A lock or a task that does not come within this time never will. */
const PATIENCE_MS = 10_000;

/** Does its part; `scratch` is a file with a number, and the fight for it ends at `untilMs`. */
export async function selftestWork(
  context: RoomContext,
  scratch: string,
  untilMs: number,
): Promise<WorkerReport> {
  const fight = await fightForLock(new Locks(context), scratch, untilMs);
  const tasks = new Tasks(context);
  const drained = await drain(tasks);
  return { ...fight, ...drained, wakesMs: await waitForTasks(tasks) };
}

/** Adds one to the number in the file as often as it can, in two steps that only a lock makes safe. */
async function fightForLock(locks: Locks, scratch: string, untilMs: number) {
  let increments = 0;
  let overlaps = 0;
  while (Date.now() < untilMs) {
    const leases = await locks.acquire("selftest", { waitMs: PATIENCE_MS });
    const inside = enter(`${scratch}.inside`);
    if (!inside) overlaps++;
    const number = Number(Deno.readTextFileSync(scratch));
    await sleep(1);
    Deno.writeTextFileSync(scratch, String(number + 1));
    if (inside) Deno.removeSync(`${scratch}.inside`);
    await locks.release(leases);
    increments++;
  }
  return { increments, overlaps };
}

/** Whether nobody else is inside: the file system makes a file once. */
function enter(path: string): boolean {
  try {
    Deno.openSync(path, { createNew: true, write: true }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    throw error;
  }
}

async function drain(tasks: Tasks) {
  const completed: string[] = [];
  const startedAtMs = Date.now();
  for (;;) {
    const task = await claim(tasks, [TASK_TAGS.drain], 0);
    if (task === undefined) break;
    await tasks.complete(task.id);
    completed.push(task.id);
  }
  const drainedMs = [startedAtMs, Date.now()] as const;
  return completed.length === 0 ? { completed } : { completed, drainedMs };
}

async function waitForTasks(tasks: Tasks): Promise<number[]> {
  const wakesMs: number[] = [];
  for (;;) {
    const task = await claim(tasks, [TASK_TAGS.wake, TASK_TAGS.stop], PATIENCE_MS);
    if (task === undefined) return wakesMs;
    const heardAtMs = Date.now();
    await tasks.complete(task.id);
    if (task.tags.includes(TASK_TAGS.stop)) return wakesMs;
    wakesMs.push(Math.max(0, heardAtMs - task.createdAtMs));
  }
}

async function claim(
  tasks: Tasks,
  tags: readonly string[],
  waitMs: number,
): Promise<Task | undefined> {
  return (await tasks.tryClaim({ tags, waitMs }))[0];
}
