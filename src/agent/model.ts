/**
 * Agents as everybody sees them, and the rules about their silence.
 * @module
 */
import type { Lease } from "../lock/model.ts";
import type { JsonValue } from "../task/model.ts";

/** What an agent reports of itself. */
export type ReportedStatus = "active" | "idle" | "blocked";

/**
 * What others see: what the agent reports while it beats; `hung` without a heartbeat past the threshold;
 * `gone` once it has deregistered or been silent for 24 hours.
 */
export type AgentStatus = ReportedStatus | "hung" | "gone";

/** The ways in which a worker is spawned. */
export type SpawnModeName = "subprocess" | "docker" | "railway";

/** How an agent was spawned, and where it can be found. Holds no secrets: everybody in the namespace sees it. */
export interface SpawnedWorker {
  /** Who can find, ask and end it. */
  readonly mode: SpawnModeName;
  /** When, in epoch milliseconds of the host that spawned it. */
  readonly spawnedAtMs: number;
  /** The agent that did. */
  readonly spawnedBy: string;
  /** The command it runs for each task, as a shell would read it. */
  readonly command: string;
  /** Where it is, in the mode's own terms; absent until it was started. */
  readonly place?: Readonly<Record<string, JsonValue>>;
  /** When the worker itself came up last, in epoch milliseconds of its host; absent while it is starting. */
  readonly startedAtMs?: number;
  /** It was asked to leave: once its tasks are done, or at once. */
  readonly stop?: "drain" | "now";
}

/** A named participant. */
export interface Agent {
  /** `agt_…`; stays the same when the name is registered again. */
  readonly id: string;
  /** Unique in the namespace. */
  readonly name: string;
  /** What it is for, such as `engineer`; may be empty. */
  readonly role: string;
  /** What it is doing now; may be empty. */
  readonly workingOn: string;
  /** As worked out when it was read. */
  readonly status: AgentStatus;
  /** What it can do, such as `backend`. */
  readonly tags: readonly string[];
  /** When it was registered last, in epoch milliseconds of the store's clock. */
  readonly registeredAtMs: number;
  /** When it was last heard of. */
  readonly lastHeartbeatAtMs: number;
  /** Until then its name is refused to others. */
  readonly expiresAtMs: number;
  /** Host it was registered from. */
  readonly host: string;
  /** Process it was registered from, where that is known. */
  readonly pid?: number;
  /** How it was spawned, and where it can be found; absent for whoever started by itself. */
  readonly worker?: SpawnedWorker;
  /** How many live leases on locks it holds. */
  readonly locks: number;
  /** How many claimed tasks it holds. */
  readonly tasks: number;
}

/** How many agents there are of each status. */
export type AgentCounts = Readonly<Record<AgentStatus, number>>;

/** A task that an agent holds. */
export interface ClaimedTask {
  /** `tsk_…` */
  readonly id: string;
  /** Its title. */
  readonly title: string;
  /** When this agent claimed it, in epoch milliseconds. */
  readonly sinceMs: number;
}

/** An agent, what it holds, and since when. */
export interface AgentReport {
  /** The agent. */
  readonly agent: Agent;
  /** Its live leases on locks; `acquiredAtMs` says since when. */
  readonly locks: readonly Lease[];
  /** The tasks it has claimed. */
  readonly tasks: readonly ClaimedTask[];
}

/** How long an agent counts as alive after a heartbeat, when it did not say: 60 seconds. */
export const DEFAULT_AGENT_TTL_MS = 60_000;

/** Silent for longer than this, an agent is `hung`: 5 minutes. */
export const HUNG_AFTER_MS = 300_000;

/** Silent for this long, an agent is `gone`: a day. */
export const GONE_AFTER_MS = 24 * 60 * 60 * 1000;

/** What others see of it at `nowMs`. */
export function statusOf(
  row: {
    readonly status: ReportedStatus;
    readonly last_heartbeat_at_ms: number;
    readonly gone_at_ms: number | null;
  },
  nowMs: number,
): AgentStatus {
  const silentMs = nowMs - row.last_heartbeat_at_ms;
  if (row.gone_at_ms !== null || silentMs >= GONE_AFTER_MS) return "gone";
  return silentMs > HUNG_AFTER_MS ? "hung" : row.status;
}

/** How many agents one operation shows. */
export const AGENTS_SHOWN_AT_ONCE = 128;

/** How many agents one operation of pruning on a server looks at: most may have to be kept, for what they hold. */
export const AGENTS_LOOKED_AT = 256;
