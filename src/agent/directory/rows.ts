/**
 * An agent's row on the directory engine: what it says by itself, and what the clock makes of it.
 * @module
 */
import { statusOf } from "../model.ts";
import type { Reader } from "../../engine/directory/transaction.ts";
import type { Agent, AgentStatus, ReportedStatus, SpawnedWorker } from "../model.ts";
import { countHeld } from "./held.ts";
import { parseRowObject, parseRowTexts } from "../../engine/directory/row_json.ts";

/** A row of `agents`. */
export interface AgentRow {
  readonly name: string;
  readonly id: string;
  readonly registration: string | null;
  readonly role: string;
  readonly working_on: string;
  readonly status: ReportedStatus;
  readonly tags: string;
  readonly host: string;
  readonly pid: number | null;
  readonly ttl_ms: number;
  readonly registered_at_ms: number;
  readonly last_heartbeat_at_ms: number;
  readonly expires_at_ms: number;
  readonly gone_at_ms: number | null;
  readonly worker: string | null;
}

/** The agent with this name. */
export function findAgent(reader: Reader, name: string): AgentRow | undefined {
  return reader.get<AgentRow>("SELECT * FROM agents WHERE name = ?", name);
}

/** The public form of a row, with what it holds now. */
export function toAgent(
  reader: Reader,
  row: AgentRow,
  status: AgentStatus = statusOf(row, reader.nowMs),
): Agent {
  return {
    id: row.id,
    name: row.name,
    role: row.role,
    workingOn: row.working_on,
    status,
    tags: parseRowTexts(row.tags, `agent ${row.id}`),
    registeredAtMs: row.registered_at_ms,
    lastHeartbeatAtMs: row.last_heartbeat_at_ms,
    expiresAtMs: row.expires_at_ms,
    host: row.host,
    ...(row.pid === null ? {} : { pid: row.pid }),
    ...(row.worker === null
      ? {}
      : { worker: parseRowObject<SpawnedWorker>(row.worker, `agent ${row.id}`) }),
    ...countHeld(reader, row.name),
  };
}
