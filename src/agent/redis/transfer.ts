/**
 * Agents on their way into Redis; see take.lua.
 * @module
 */
import { given } from "../../given.ts";
import { writeInPortions } from "../../engine/redis/portions.ts";
import { script } from "../../engine/redis/script.ts";
import type { ScriptRunner } from "../../engine/redis/script_runner.ts";
import type { Target, TransferConflict } from "../../transfer.ts";
import type { AgentRecord, MovedAgent } from "../transfer.ts";

const TAKE = script("agent/take");

/** How many agents one operation takes over: a few milliseconds of the server. */
const TAKEN_AT_ONCE = 250;

/** The agents of a namespace. */
export class RedisAgentTransfer implements Target<MovedAgent> {
  readonly #runner: ScriptRunner;

  /** Uses the runner's connection and namespace. */
  constructor(runner: ScriptRunner) {
    this.#runner = runner;
  }

  /** Takes agents over; one that this store has heard of since stays as it is here, which is no conflict. */
  async take(records: readonly MovedAgent[]): Promise<readonly TransferConflict[]> {
    await writeInPortions(this.#runner, TAKE, records, { atOnce: TAKEN_AT_ONCE, argumentsOf });
    return [];
  }
}

function argumentsOf(agent: MovedAgent): readonly (string | number)[] {
  if ("removed" in agent) return [agent.name, "", agent.atMs, agent.atMs, ""];
  const { name, lastHeartbeatAtMs, goneAtMs = "", status } = agent;
  return [name, JSON.stringify(keptRecord(agent)), lastHeartbeatAtMs, goneAtMs, status];
}

/** What AGENTS keeps; see touch.lua. */
function keptRecord(agent: AgentRecord) {
  const { id, registration, role, workingOn, tags, host, pid, ttlMs, registeredAtMs, worker } =
    agent;
  const left = agent.goneAtMs === undefined
    ? {}
    : { goneAtMs: agent.goneAtMs, seenAtMs: agent.lastHeartbeatAtMs };
  const kept = { id, role, workingOn, tags: JSON.stringify(tags), host, ttlMs, registeredAtMs };
  return { ...kept, ...given({ registration, pid, worker }), ...left };
}
