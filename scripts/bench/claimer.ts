/**
 * One process that claims and completes tasks until it has done enough, as fast as it can.
 * @module
 */
import process from "node:process";
import type { Durability } from "./bare.ts";
import { defineWorker } from "./harness.ts";
import { type Held, openQueue, type Queue } from "./queue.ts";

/** Which way of working is measured. */
export type Way =
  /** The yardstick: claim, then finish. */
  | "bare"
  /** Claim, then complete: two operations a task. */
  | "separate"
  /** Complete one and claim the next: one operation a task. */
  | "fused";

/** What reports call them. */
export const NAMES: Readonly<Record<Way, string>> = {
  bare: "bare",
  separate: "claim, then complete",
  fused: "complete and claim the next",
};

/** What one process does. */
export interface ClaimerArgs {
  readonly way: Way;
  readonly directory: string;
  readonly durability: Durability;
  /** Tasks done before anything is measured. */
  readonly warmUp: number;
  /** Tasks to do. Default: as many as there is time for. */
  readonly tasks?: number;
  /** Time to work. Default: as long as it takes. */
  readonly forMs?: number;
}

/** What one process did. */
export interface ClaimerResult {
  /** Tasks claimed and completed while it was measured. */
  readonly tasks: number;
  /** How long that took. */
  readonly ms: number;
  /** Processor time it took, in microseconds: depends far less on what else the machine does. */
  readonly cpuUs: number;
  /** Time of each call, in microseconds: claims and completions, or both in one. */
  readonly callsUs: readonly number[];
}

/** One claiming process. */
export const worker = defineWorker<ClaimerArgs, ClaimerResult>(
  import.meta.url,
  async ({ way, directory, durability, warmUp, tasks = Infinity, forMs = Infinity }, start) => {
    const queue = await openQueue(way === "bare" ? "bare" : "ours", directory, durability);
    const run = way === "fused" ? fused : separate;
    await run(queue, warmUp, Infinity);
    await start();
    const startedAt = performance.now();
    const cpuBefore = process.cpuUsage();
    const callsUs = await run(queue, tasks, startedAt + forMs);
    const { user, system } = process.cpuUsage(cpuBefore);
    const ms = performance.now() - startedAt;
    await queue.close();
    return {
      tasks: callsUs.length / (way === "fused" ? 1 : 2),
      ms,
      cpuUs: user + system,
      callsUs,
    };
  },
);

async function separate(queue: Queue, tasks: number, until: number): Promise<number[]> {
  const callsUs: number[] = [];
  let before = performance.now();
  for (let done = 0; done < tasks && before < until; done++) {
    const task = found(await queue.claim());
    const between = performance.now();
    await queue.complete(task);
    const after = performance.now();
    callsUs.push(Math.round((between - before) * 1000), Math.round((after - between) * 1000));
    before = after;
  }
  return callsUs;
}

async function fused(queue: Queue, tasks: number, until: number): Promise<number[]> {
  const callsUs: number[] = [];
  let task = found(await queue.claim());
  let before = performance.now();
  for (let done = 0; done < tasks && before < until; done++) {
    task = found(await queue.completeAndClaim(task));
    const after = performance.now();
    callsUs.push(Math.round((after - before) * 1000));
    before = after;
  }
  await queue.complete(task);
  return callsUs;
}

/** A queue that runs dry measures nothing. */
function found(task: Held | undefined): Held {
  if (task === undefined) throw new Error("the backlog is too small: a claim found no task");
  return task;
}
