/**
 * The steps that need to know what an agent holds, on Redis. Apart from the others because they bring the
 * scripts of locks and tasks along.
 * @module
 */
import giveBackLocks from "../lock/give_back.lua" with { type: "text" };
import line from "../lock/line.lua" with { type: "text" };
import type { Lease } from "../lock/lock.ts";
import { LOCK_KEYS } from "../lock/redis.ts";
import lockRows from "../lock/rows.lua" with { type: "text" };
import { Script } from "../store/script.ts";
import type { ClaimedTask } from "./agent.ts";
import deregisterLua from "./deregister.lua" with { type: "text" };
import explainLua from "./explain.lua" with { type: "text" };
import { AGENT_KEYS } from "./redis.ts";
import rowsLua from "./rows.lua" with { type: "text" };

const LOCK_PARTS = [lockRows, line, giveBackLocks];

/** See deregister.lua. */
export const DEREGISTER = new Script(
  "agent/deregister",
  [...AGENT_KEYS, ...LOCK_KEYS],
  ...LOCK_PARTS,
  "local function release_tasks_of() return {} end",
  deregisterLua,
);

/** See explain.lua. */
export const EXPLAIN = new Script(
  "agent/explain",
  [...AGENT_KEYS, ...LOCK_KEYS],
  ...LOCK_PARTS,
  rowsLua,
  explainLua,
);

/** What an agent holds, of what explain.lua answers. */
export function readHeld(
  { locks }: { readonly locks: readonly Lease[] },
): { readonly locks: readonly Lease[]; readonly tasks: readonly ClaimedTask[] } {
  return { locks, tasks: [] };
}
