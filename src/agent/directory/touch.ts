/**
 * What other rooms need of agents, on the directory engine: the sign of life that every acting operation is, and since
 * when an agent is there.
 * @module
 */
import { emit } from "../../event/directory/append.ts";
import { newId } from "../../id.ts";
import type { Actor } from "../../engine/actor.ts";
import type { Reader, Transaction } from "../../engine/directory/transaction.ts";
import { DEFAULT_AGENT_TTL_MS } from "../model.ts";

/**
 * The count of agents that ever deregistered. A process that remembers whose sign of life is not due yet
 * forgets that when this changes, so that the next act of one who left registers it again.
 */
export const DEPARTURES = "agents:departures";

/**
 * Marks that the actor lives; an unknown or departed name is registered. No lease is longer for it: whoever
 * lost track of one must not keep it alive by going on.
 */
export function touchAgent(tx: Transaction, { name, host, pid }: Actor): void {
  const known = tx.run(
    `UPDATE agents SET last_heartbeat_at_ms = ?1, expires_at_ms = ?1 + ttl_ms
     WHERE name = ?2 AND gone_at_ms IS NULL`,
    tx.nowMs,
    name,
  );
  if (known > 0) return;
  tx.run(
    `INSERT INTO agents VALUES
       (?1, ?2, NULL, '', '', 'active', '[]', ?3, ?4, ?5, ?6, ?6, ?6 + ?5, NULL, NULL)
     ON CONFLICT DO UPDATE SET registration = NULL, status = 'active', host = ?3, pid = ?4,
       registered_at_ms = ?6, last_heartbeat_at_ms = ?6, expires_at_ms = ?6 + ttl_ms,
       gone_at_ms = NULL, worker = NULL`,
    name,
    newId("agt"),
    host,
    pid ?? null,
    DEFAULT_AGENT_TTL_MS,
    tx.nowMs,
  );
  emit(tx, "agent.registered", name, name);
}

/** When the agent was registered; `undefined` when nobody has that name. */
export function registeredAt(reader: Reader, name: string): number | undefined {
  return reader.get<{ registered_at_ms: number }>(
    "SELECT registered_at_ms FROM agents WHERE name = ?",
    name,
  )?.registered_at_ms;
}
