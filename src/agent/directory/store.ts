/**
 * The operations on agents, on the directory engine.
 *
 * A status is worked out when it is read, so nothing sweeps this table; only `prune` removes rows.
 * Registering, beating and leaving are not themselves given the actor: they mark by hand, and always, the sign
 * of life that other operations imply at most once a second.
 * @module
 */
import { emit } from "../../event/directory/append.ts";
import { LEASES_PER_OPERATION } from "../../engine/held.ts";
import type { Actor } from "../../engine/actor.ts";
import type { Engine, Reader, Transaction } from "../../engine/directory/transaction.ts";
import { type Agent, type AgentCounts, AGENTS_SHOWN_AT_ONCE, type AgentStatus } from "../model.ts";
import { type Claim, claimsOf } from "../../task/directory/held.ts";
import { holdsNothing, type Portion, renewHeld } from "./held.ts";
import { statusOf } from "../model.ts";
import { type AgentRow, findAgent, toAgent } from "./rows.ts";
import { GONE_AFTER_MS, HUNG_AFTER_MS } from "../model.ts";
import type { AgentStore, Departure, RegisterOutcome, Registration } from "../store.ts";
import { DEPARTURES, touchAgent } from "./touch.ts";
import type { Lease } from "../../lock/model.ts";

/** {@linkcode AgentStore} on a directory. */
export class DirectoryAgents implements AgentStore {
  readonly #engine: Engine;

  /** Uses the engine's transactions. */
  constructor(engine: Engine) {
    this.#engine = engine;
  }

  register(registration: Registration): Promise<RegisterOutcome> {
    return this.#engine.write(undefined, (tx) => {
      const known = findAgent(tx, registration.name);
      const repeated = known?.registration === registration.id;
      if (known !== undefined && !repeated && isTaken(known, registration, tx.nowMs)) {
        return { kind: "taken", agent: toAgent(tx, known), nowMs: tx.nowMs };
      }
      if (!repeated) enrol(tx, registration, known);
      return { kind: "registered", agent: toAgent(tx, findAgent(tx, registration.name)!) };
    });
  }

  async heartbeat(
    actor: Actor,
    { status, workingOn }: Parameters<AgentStore["heartbeat"]>[1],
  ): Promise<Agent> {
    const beat = (tx: Transaction, from: Portion | undefined) => {
      touchAgent(tx, actor);
      if (from === undefined && (status !== undefined || workingOn !== undefined)) {
        tx.run(
          `UPDATE agents SET status = COALESCE(?, status), working_on = COALESCE(?, working_on)
           WHERE name = ?`,
          status ?? null,
          workingOn ?? null,
          actor.name,
        );
      }
      const next = renewHeld(tx, actor.name, from, LEASES_PER_OPERATION);
      return next === undefined ? { agent: toAgent(tx, findAgent(tx, actor.name)!) } : { next };
    };
    let from: Portion | undefined;
    for (;;) {
      const { agent, next } = await this.#engine.writeFreeing(undefined, (tx) => beat(tx, from));
      if (agent !== undefined) return agent;
      from = next;
    }
  }

  touch(actor: Actor): Promise<void> {
    return this.#engine.writeFreeing(undefined, (tx) => touchAgent(tx, actor));
  }

  async deregister(name: string): ReturnType<AgentStore["deregister"]> {
    // Loaded when somebody leaves: most calls that act on agents are heartbeats.
    const locks = await import("../../lock/directory/end_leases.ts");
    const tasks = await import("../../task/directory/release_tasks.ts");
    const release = (
      tx: Transaction,
      before: { readonly locks: number; readonly tasks: number },
    ) => {
      const row = findAgent(tx, name);
      const last = tx.get<{ fence: number }>("SELECT fence FROM state");
      const at = { fence: last?.fence ?? 0, atMs: tx.nowMs };
      if (row === undefined) return { left: "unknown", released: before, ...at } as const;
      const leases = locks.releaseAll(tx, name, LEASES_PER_OPERATION).length;
      const { ended, released } = tasks.releaseAll(tx, name, LEASES_PER_OPERATION - leases);
      const sum = { locks: before.locks + leases, tasks: before.tasks + released };
      if (leases + ended === LEASES_PER_OPERATION) {
        return { left: "more", released: sum, ...at } as const;
      }
      if (row.gone_at_ms === null) {
        tx.run("UPDATE agents SET gone_at_ms = ? WHERE name = ?", tx.nowMs, name);
        tx.count(DEPARTURES, 1);
        emit(tx, "agent.deregistered", name, name, sum);
      }
      return { left: "nothing", released: sum, ...at } as const;
    };
    let sum = { locks: 0, tasks: 0 };
    let departure: Departure | undefined;
    for (;;) {
      const { left, released, fence, atMs } = await this.#engine.writeFreeing(
        undefined,
        (tx) => release(tx, sum),
      );
      // Removed by somebody else, perhaps after a portion of its leases had been released.
      if (left === "unknown") return departure;
      sum = released;
      // What it was granted since its first portion ended may still be there.
      departure = { ...sum, fence: departure?.fence ?? fence, atMs };
      if (left === "nothing") return departure;
    }
  }

  prune(actor: Actor, limit: number): ReturnType<AgentStore["prune"]> {
    return this.#engine.writeFreeing(actor, (tx) => {
      const agents = goneAgents(tx, limit).map((row) => {
        const agent = toAgent(tx, row);
        tx.run("DELETE FROM agents WHERE name = ?", row.name);
        emit(tx, "agent.pruned", row.name, actor.name);
        return agent;
      });
      // What one operation removes the next does not find any more, so that it begins anew.
      return { agents, ...(agents.length === limit ? { next: "" } : {}) };
    });
  }

  assign(...[name, expected, worker]: Parameters<AgentStore["assign"]>) {
    return this.#engine.write(undefined, (tx) => {
      tx.run(
        "UPDATE agents SET worker = ? WHERE name = ? AND worker IS ?",
        worker,
        name,
        expected ?? null,
      );
      const row = findAgent(tx, name);
      return row && toAgent(tx, row);
    });
  }

  get(name: string): Promise<Agent | undefined> {
    return this.#engine.read((reader) => {
      const row = findAgent(reader, name);
      return row && toAgent(reader, row);
    });
  }

  async explain(name: string): ReturnType<AgentStore["explain"]> {
    const { leasesHeldBy } = await import("../../lock/directory/end_leases.ts");
    const agent = await this.#engine.read((reader) => {
      const row = findAgent(reader, name);
      return row && toAgent(reader, row);
    });
    if (agent === undefined) return undefined;
    const locks = await this.#portions<Lease>((reader, behind) =>
      leasesHeldBy(reader, name, behind, LEASES_PER_OPERATION)
    );
    const claims = await this.#portions<Claim>((reader, behind) =>
      claimsOf(reader, name, behind, LEASES_PER_OPERATION)
    );
    const tasks = claims.sort((a, b) => a.sinceMs - b.sinceMs || a.seq - b.seq)
      .map(({ id, title, sinceMs }) => ({ id, title, sinceMs }));
    return { agent, locks, tasks };
  }

  /** What several operations read, each of them behind what the one before ended with. */
  async #portions<Held>(
    read: (reader: Reader, behind: Held | undefined) => readonly Held[],
  ): Promise<Held[]> {
    const all: Held[] = [];
    for (;;) {
      const held = await this.#engine.read((reader) => read(reader, all.at(-1)));
      all.push(...held);
      if (held.length < LEASES_PER_OPERATION) return all;
    }
  }

  async list(): Promise<readonly Agent[]> {
    const all: Agent[] = [];
    for (;;) {
      const agents = await this.#engine.read((reader) =>
        reader.all<AgentRow>(
          `SELECT * FROM agents WHERE name > ? ORDER BY name LIMIT ${AGENTS_SHOWN_AT_ONCE}`,
          all.at(-1)?.name ?? "",
        ).map((row) => toAgent(reader, row))
      );
      all.push(...agents);
      if (agents.length < AGENTS_SHOWN_AT_ONCE) return all;
    }
  }

  async hung(thresholdMs: number): Promise<readonly Agent[]> {
    const all: Agent[] = [];
    for (;;) {
      const last = all.at(-1);
      const agents = await this.#engine.read((reader) => {
        const { nowMs } = reader;
        const rows = reader.all<AgentRow>(
          `SELECT * FROM agents
           WHERE gone_at_ms IS NULL AND last_heartbeat_at_ms < ? AND last_heartbeat_at_ms > ?
             AND (last_heartbeat_at_ms, name) > (?, ?)
           ORDER BY last_heartbeat_at_ms, name LIMIT ${AGENTS_SHOWN_AT_ONCE}`,
          nowMs - thresholdMs,
          thresholdMs < GONE_AFTER_MS ? nowMs - GONE_AFTER_MS : -1,
          last?.lastHeartbeatAtMs ?? -1,
          last?.name ?? "",
        );
        return rows.map((row) => toAgent(reader, row, "hung"));
      });
      all.push(...agents);
      if (agents.length < AGENTS_SHOWN_AT_ONCE) return all;
    }
  }

  summary(): Promise<AgentCounts> {
    return this.#engine.read((reader) => {
      // Answered from the two indexes alone; no row of the table is read.
      const rows = reader.all<{ seen: AgentStatus; n: number }>(
        `SELECT CASE WHEN last_heartbeat_at_ms <= ?1 THEN 'gone'
           WHEN last_heartbeat_at_ms < ?2 THEN 'hung' ELSE status END seen, COUNT(*) n
         FROM agents WHERE gone_at_ms IS NULL GROUP BY seen
         UNION ALL SELECT 'gone', COUNT(*) FROM agents WHERE gone_at_ms IS NOT NULL`,
        reader.nowMs - GONE_AFTER_MS,
        reader.nowMs - HUNG_AFTER_MS,
      );
      const counts = { active: 0, idle: 0, blocked: 0, hung: 0, gone: 0 };
      for (const { seen, n } of rows) counts[seen] += n;
      return counts;
    });
  }
}

/** Whether a live agent has the name that `wanted` asks for. */
function isTaken(row: AgentRow, wanted: Registration, nowMs: number): boolean {
  if (wanted.takeover || row.expires_at_ms <= nowMs) return false;
  if (statusOf(row, nowMs) === "gone") return false;
  // Known by its acts alone, and from here: most likely the very one that now introduces itself.
  return row.registration !== null || row.host !== wanted.host;
}

/** Writes the registration over whatever is known under its name, and counts it as a heartbeat. */
function enrol(tx: Transaction, wanted: Registration, known: AgentRow | undefined): void {
  const { name, id, host, pid, role, workingOn, tags, ttlMs, worker, takeover } = wanted;
  const wasLive = known !== undefined && isTaken(known, { ...wanted, takeover: false }, tx.nowMs);
  tx.run(
    `INSERT OR REPLACE INTO agents VALUES
       (?1, ?2, ?3, ?4, ?5, 'active', ?6, ?7, ?8, ?9, ?10, ?10, ?10 + ?9, NULL, ?11)`,
    name,
    known?.id ?? id,
    id,
    role ?? known?.role ?? "",
    workingOn ?? known?.working_on ?? "",
    tags === undefined ? known?.tags ?? "[]" : JSON.stringify(tags),
    host,
    pid ?? null,
    ttlMs,
    tx.nowMs,
    worker ?? (known?.gone_at_ms === null ? known.worker : null),
  );
  emit(tx, "agent.registered", name, name, takeover && wasLive ? { takeover: true } : undefined);
}

/** Agents that are gone and hold nothing, the deregistered first. */
function goneAgents(reader: Reader, limit: number): AgentRow[] {
  const idle = holdsNothing(reader);
  const rows = (column: string, where: string, atMs: number, left: number) =>
    reader.all<AgentRow>(
      `SELECT * FROM agents WHERE ${where} AND ${column} <= ?2 AND ${idle}
       ORDER BY ${column}, name LIMIT ?3 + 0`,
      reader.nowMs,
      atMs,
      left,
    );
  const { nowMs } = reader;
  const left = rows("gone_at_ms", "gone_at_ms IS NOT NULL", nowMs, limit);
  const silentSince = nowMs - GONE_AFTER_MS;
  const rest = limit - left.length;
  const silent = rows("last_heartbeat_at_ms", "gone_at_ms IS NULL", silentSince, rest);
  return [...left, ...silent];
}
