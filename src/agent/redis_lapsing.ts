/**
 * Which of an agent's leases need to be renewed, on Redis.
 * @module
 */
import { LEASES_A_STEP } from "../store/held.ts";
import heldLua from "../store/held.lua" with { type: "text" };
import { Script } from "../store/script.ts";
import type { ScriptRunner } from "../store/script_runner.ts";
import { LAPSING_TOLD, type LapsingLease } from "../store/warning.ts";
import lapsingLua from "./lapsing.lua" with { type: "text" };

const LAPSING = new Script("agent/lapsing", [], heldLua, lapsingLua);

/** Live leases that lapse within a third of their length, the soonest first: a few, of the first that it holds. */
export async function lapsingLeases(
  runner: ScriptRunner,
  holder: string,
): Promise<readonly LapsingLease[]> {
  return JSON.parse(String(await runner.read(LAPSING, holder, LEASES_A_STEP, LAPSING_TOLD)));
}
