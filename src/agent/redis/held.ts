/**
 * The steps that need to know what an agent holds, on Redis. Apart from the others because they bring the
 * scripts of locks and tasks along.
 * @module
 */
import type { Lease } from "../../lock/lock.ts";
import { GIVE_BACK_PARTS as LOCK_PARTS, LOCK_KEYS } from "../../lock/redis/parts.ts";
import heldLua from "../../engine/redis/held.lua" with { type: "text" };
import { Script } from "../../engine/redis/script.ts";
import {
  GIVE_BACK_PARTS as TASK_PARTS,
  type SpecReply,
  TASK_KEYS,
  titleOf,
} from "../../task/redis/rows.ts";
import type { ClaimedTask } from "../agent.ts";
import deregisterLua from "./deregister.lua" with { type: "text" };
import explainLua from "./explain.lua" with { type: "text" };
import { AGENT_KEYS } from "./keys.ts";
import rowsLua from "./rows.lua" with { type: "text" };

/** See deregister.lua. */
export const DEREGISTER = new Script(
  "agent/deregister",
  [...AGENT_KEYS, ...LOCK_KEYS, ...TASK_KEYS],
  ...LOCK_PARTS,
  ...TASK_PARTS,
  heldLua,
  deregisterLua,
).freeing();

/** See explain.lua. */
export const EXPLAIN = new Script(
  "agent/explain",
  [...AGENT_KEYS, ...LOCK_KEYS],
  ...LOCK_PARTS,
  rowsLua,
  heldLua,
  explainLua,
);

/** What explain.lua answers besides the agent: one portion. */
export interface HeldAnswer {
  readonly locks: readonly Lease[];
  readonly tasks: readonly {
    readonly id: string;
    readonly s: SpecReply;
    readonly sinceMs: number;
  }[];
}

/** What an agent holds: its leases by path, its tasks from the oldest claim on. */
export function readHeld(
  portions: readonly HeldAnswer[],
): { readonly locks: readonly Lease[]; readonly tasks: readonly ClaimedTask[] } {
  return {
    locks: portions.flatMap(({ locks }) => locks),
    // A spec begins with the number of the task's creation.
    tasks: portions.flatMap(({ tasks }) => tasks).sort((a, b) =>
      a.sinceMs - b.sinceMs || a.s[0] - b.s[0]
    )
      .map(({ id, s, sinceMs }) => ({ id, title: titleOf(s), sinceMs })),
  };
}
