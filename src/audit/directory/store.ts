/**
 * The operations on the audit log, on the directory engine.
 * @module
 */
import { given } from "../../given.ts";
import { listen } from "../../event/directory/append.ts";
import type { Actor } from "../../engine/actor.ts";
import { boundedRows } from "../../engine/directory/bounded_rows.ts";
import type { Engine, Reader, SqlValue } from "../../engine/directory/transaction.ts";
import { type AuditRow, toEntry } from "../row.ts";
import { appendAudit, AUDIT_TOPIC } from "./append.ts";
import type { AuditDraft, Entry } from "../entry.ts";
import type {
  AuditStore,
  ChainPart,
  EntryFilter,
  EntryList,
  EntryQuery,
  FollowedEntries,
  FollowQuery,
} from "../store.ts";

/** {@linkcode AuditStore} on a directory. */
export class DirectoryAudit implements AuditStore {
  readonly #engine: Engine;

  /** Uses the engine's transactions. */
  constructor(engine: Engine) {
    this.#engine = engine;
  }

  append(actor: Actor, draft: AuditDraft, key: string | undefined): Promise<Entry> {
    return this.#engine.write(actor, (tx) => appendAudit(tx, draft, key));
  }

  async list({ before, sinceMs, limit, ...filter }: EntryQuery): Promise<EntryList | undefined> {
    const found: AuditRow[] = [];
    for (;;) {
      const part = await this.#engine.read((reader) => {
        const end = before === undefined ? Number.MAX_SAFE_INTEGER : seqOf(reader, before);
        if (end === undefined) return undefined;
        const start = sinceMs === undefined ? 0 : firstSince(reader, sinceMs);
        const [conditions, values] = conditionsOf(filter);
        return boundedRows<AuditRow>(
          limit + 1 - found.length,
          (behind, most) =>
            reader.all<AuditRow>(
              `SELECT * FROM audit WHERE seq >= ? AND seq < ? ${conditions}
             ORDER BY seq DESC LIMIT ? + 0`,
              start,
              (behind ?? found.at(-1))?.seq ?? end,
              ...values,
              most,
            ),
          charsOf,
        );
      });
      if (part === undefined) return undefined;
      found.push(...part.rows);
      if (part.cut) continue;
      const entries = found.slice(0, limit).reverse().map(toEntry);
      return { entries, more: found.length > limit };
    }
  }

  async follow(query: FollowQuery): Promise<FollowedEntries | undefined> {
    if (!query.waits) return await this.#engine.read((reader) => following(reader, query));
    const { id } = await this.#engine.waker();
    return await this.#engine.write(undefined, (tx) => {
      const found = following(tx, query);
      if (found?.entries.length === 0) listen(tx, AUDIT_TOPIC, id);
      return found;
    });
  }

  chain(after: number, limit: number): Promise<ChainPart> {
    return this.#engine.read((reader) => {
      const { rows, cut } = boundedRows<AuditRow>(limit, (behind, most) =>
        reader.all<AuditRow>(
          "SELECT * FROM audit WHERE seq > ? ORDER BY seq LIMIT ? + 0",
          behind?.seq ?? after,
          most,
        ), charsOf);
      const places = rows.map((row) => ({ seq: row.seq, entry: toEntry(row) }));
      const total = reader.counts.audit ?? 0;
      return { places, more: cut || rows.length === limit, total, nowMs: reader.nowMs };
    });
  }
}

function following(
  reader: Reader,
  { after, limit, ...filter }: FollowQuery,
): FollowedEntries | undefined {
  const seq = after === undefined ? 0 : seqOf(reader, after);
  if (seq === undefined) return undefined;
  const [conditions, values] = conditionsOf(filter);
  const { rows, cut } = boundedRows<AuditRow>(limit, (behind, most) =>
    reader.all<AuditRow>(
      `SELECT * FROM audit WHERE seq > ? ${conditions} ORDER BY seq LIMIT ? + 0`,
      behind?.seq ?? seq,
      ...values,
      most,
    ), charsOf);
  const last = cut || rows.length === limit
    ? rows.at(-1)
    : reader.get<{ id: string }>("SELECT id FROM audit ORDER BY seq DESC LIMIT 1");
  return { entries: rows.map(toEntry), ...given({ after: last?.id }) };
}

function charsOf({ context, reason, refs }: AuditRow): number {
  return context.length + reason.length + refs.length;
}

function conditionsOf({ agent, decisionType }: EntryFilter): [string, SqlValue[]] {
  const conditions: string[] = [];
  const values: SqlValue[] = [];
  for (const [column, value] of [["agent", agent], ["decision_type", decisionType]] as const) {
    if (value === undefined) continue;
    conditions.push(`AND ${column} = ?`);
    values.push(value);
  }
  return [conditions.join(" "), values];
}

function seqOf(reader: Reader, id: string): number | undefined {
  return reader.get<{ seq: number }>("SELECT seq FROM audit WHERE id = ?", id)?.seq;
}

/** The number of the first entry at or after this instant; instants grow with numbers. */
function firstSince(reader: Reader, atMs: number): number {
  const row = reader.get<{ seq: number }>(
    "SELECT seq FROM audit WHERE created_at_ms >= ? ORDER BY created_at_ms, seq LIMIT 1",
    atMs,
  );
  return row?.seq ?? Number.MAX_SAFE_INTEGER;
}
