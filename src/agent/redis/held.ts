/**
 * The operations that need to know what an agent holds, on Redis. Apart from the others because they bring the
 * scripts of locks and tasks along.
 * @module
 */
import type { Lease } from "../../lock/model.ts";
import { script } from "../../engine/redis/script.ts";
import type { ClaimedTask } from "../model.ts";

/** See deregister.lua. */
export const DEREGISTER = script("agent/deregister");

/** See explain.lua. */
export const EXPLAIN = script("agent/explain");

/** What explain.lua answers besides the agent: one portion. */
export interface HeldAnswer {
  readonly locks: readonly Lease[];
  readonly tasks: readonly {
    readonly id: string;
    /** The number of its creation. */
    readonly seq: number;
    readonly title: string;
    readonly sinceMs: number;
  }[];
}

/** What an agent holds: its leases by path, its tasks from the oldest claim on. */
export function readHeld(
  portions: readonly HeldAnswer[],
): { readonly locks: readonly Lease[]; readonly tasks: readonly ClaimedTask[] } {
  return {
    locks: portions.flatMap(({ locks }) => locks),
    tasks: portions.flatMap(({ tasks }) => tasks).sort((a, b) =>
      a.sinceMs - b.sinceMs || a.seq - b.seq
    )
      .map(({ id, title, sinceMs }) => ({ id, title, sinceMs })),
  };
}
