/**
 * Which of an agent's leases need to be renewed, on Redis.
 * @module
 */
import { LEASES_PER_OPERATION } from "../../engine/held.ts";
import { script } from "../../engine/redis/script.ts";
import type { ScriptRunner } from "../../engine/redis/script_runner.ts";
import { LAPSING_TOLD, type LapsingLease } from "../../engine/warning.ts";

const LAPSING = script("agent/lapsing");

/** Live leases that lapse within a third of their length, the soonest first: a few, of the first that it holds. */
export async function lapsingLeases(
  runner: ScriptRunner,
  holder: string,
): Promise<readonly LapsingLease[]> {
  return JSON.parse(String(await runner.read(LAPSING, holder, LEASES_PER_OPERATION, LAPSING_TOLD)));
}
