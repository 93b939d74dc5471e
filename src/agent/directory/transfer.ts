/**
 * Agents on their way out of a directory, and into one.
 * @module
 */
import { given } from "../../given.ts";
import { journaled, settle } from "../../engine/directory/journal.ts";
import { parseRowTexts } from "../../engine/directory/row_json.ts";
import type { Engine, Reader, Transaction } from "../../engine/directory/transaction.ts";
import type {
  ChangedPortion,
  PortionLimit,
  Source,
  Target,
  TransferConflict,
} from "../../transfer.ts";
import type { AgentRecord, MovedAgent } from "../transfer.ts";
import { JOURNALED_AGENTS } from "./journal.ts";
import { type AgentRow, findAgent } from "./rows.ts";

/** The agents of a database that stands in for another store, which has the journal of them. */
export class DirectoryAgentTransfer implements Source<MovedAgent>, Target<AgentRecord> {
  readonly #engine: Engine;

  /** Uses the engine's transactions. */
  constructor(engine: Engine) {
    this.#engine = engine;
  }

  changed(limit: PortionLimit): Promise<ChangedPortion<MovedAgent>> {
    return this.#engine.read((reader) => {
      const names = journaled<string>(reader, JOURNALED_AGENTS, limit.records + 1);
      const records: MovedAgent[] = [];
      let bytes = 0;
      for (const name of names.slice(0, limit.records)) {
        if (bytes >= limit.bytes) break;
        const record = recordOf(reader, name);
        bytes += JSON.stringify(record).length;
        records.push(record);
      }
      const keys = names.slice(0, records.length);
      return { records, keys, more: names.length > records.length };
    });
  }

  settle(keys: readonly (string | number)[]): Promise<void> {
    return this.#engine.write(undefined, (tx) => settle(tx, JOURNALED_AGENTS, keys));
  }

  markAll(): Promise<void> {
    return this.#engine.write(undefined, (tx) => {
      tx.run(
        "INSERT INTO journal (kind, key) SELECT ?, name FROM agents WHERE true ON CONFLICT DO NOTHING",
        JOURNALED_AGENTS,
      );
    });
  }

  /**
   * Takes agents over that another store knows. Whoever had not deregistered there counts as heard of now, since
   * nobody could be heard of while that store could not be reached. One that is known here already stays as it is.
   */
  take(records: readonly AgentRecord[]): Promise<readonly TransferConflict[]> {
    return this.#engine.write(undefined, (tx) => {
      for (const record of records) {
        // What was taken over as it is there has not been changed here.
        if (add(tx, record)) settle(tx, JOURNALED_AGENTS, [record.name]);
      }
      return [];
    });
  }
}

function add(tx: Transaction, record: AgentRecord): boolean {
  const heardOfMs = record.goneAtMs === undefined ? tx.nowMs : record.lastHeartbeatAtMs;
  const added = tx.run(
    `INSERT INTO agents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    record.name,
    record.id,
    record.registration ?? null,
    record.role,
    record.workingOn,
    record.status,
    JSON.stringify(record.tags),
    record.host,
    record.pid ?? null,
    record.ttlMs,
    record.registeredAtMs,
    heardOfMs,
    heardOfMs + record.ttlMs,
    record.goneAtMs ?? null,
    record.worker ?? null,
  );
  return added > 0;
}

function recordOf(reader: Reader, name: string): MovedAgent {
  const row = findAgent(reader, name);
  return row === undefined ? { name, removed: true, atMs: reader.nowMs } : toRecord(row);
}

function toRecord(row: AgentRow): AgentRecord {
  return {
    id: row.id,
    name: row.name,
    role: row.role,
    workingOn: row.working_on,
    status: row.status,
    tags: parseRowTexts(row.tags, `agent ${row.id}`),
    host: row.host,
    ttlMs: row.ttl_ms,
    registeredAtMs: row.registered_at_ms,
    lastHeartbeatAtMs: row.last_heartbeat_at_ms,
    ...given({
      registration: row.registration ?? undefined,
      pid: row.pid ?? undefined,
      goneAtMs: row.gone_at_ms ?? undefined,
      worker: row.worker ?? undefined,
    }),
  };
}
