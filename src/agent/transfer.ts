/**
 * Agents on their way between two stores.
 * @module
 */
import type { ReportedStatus } from "./model.ts";

/** An agent as one store has it. */
export interface AgentRecord {
  /** `agt_…` */
  readonly id: string;
  readonly name: string;
  /** The identifier of its registration; absent for one that is known by its acts alone. */
  readonly registration?: string;
  readonly role: string;
  readonly workingOn: string;
  /** What it reports of itself. */
  readonly status: ReportedStatus;
  readonly tags: readonly string[];
  readonly host: string;
  readonly pid?: number;
  /** How long it counts as alive after a sign of life, in milliseconds. */
  readonly ttlMs: number;
  /** Where it can be found, as JSON; absent for whoever was not spawned. */
  readonly worker?: string;
  /** When it was registered last, in epoch milliseconds of the store's clock. */
  readonly registeredAtMs: number;
  /** Its last sign of life. */
  readonly lastHeartbeatAtMs: number;
  /** When it deregistered; absent while it has not. */
  readonly goneAtMs?: number;
}

/** An agent that was removed after it had gone. */
export interface RemovedAgent {
  readonly name: string;
  readonly removed: true;
  /** An instant after its removal, in epoch milliseconds of the store's clock. */
  readonly atMs: number;
}

/** What is told of an agent. */
export type MovedAgent = AgentRecord | RemovedAgent;
