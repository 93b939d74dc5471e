/**
 * The operations on the event stream, on the directory engine.
 *
 * Numbers grow by one, because an operation that fails takes its numbers back with it; only a store that lost its
 * newest events has a gap. So a cursor below the oldest number is of another stream, unless the stream is full:
 * then it has been overtaken by the trimming.
 * @module
 */
import type { Engine, Reader } from "../../engine/directory/transaction.ts";
import { eventId } from "../model.ts";
import { listen } from "./append.ts";
import type { CoordEvent, EventType } from "../model.ts";
import { EVENTS_KEPT } from "../model.ts";
import type { EventQuery, EventsRead, EventStore } from "../store.ts";
import { parseRowObject } from "../../engine/directory/row_json.ts";

/** A row of `events`. */
export interface EventRow {
  seq: number;
  type: EventType;
  subject: string;
  agent: string | null;
  at_ms: number;
  data: string | null;
}

/** One end of what is kept. */
type Place = Pick<EventRow, "seq" | "at_ms">;

/** {@linkcode EventStore} on a directory. */
export class DirectoryEvents implements EventStore {
  readonly #engine: Engine;

  /** Uses the engine's transactions. */
  constructor(engine: Engine) {
    this.#engine = engine;
  }

  async read(query: EventQuery): Promise<EventsRead> {
    if (!query.waits) return await this.#engine.read((reader) => read(reader, query));
    const { id } = await this.#engine.waker();
    return await this.#engine.write(undefined, (tx) => {
      const outcome = read(tx, query);
      if (outcome.kind === "read" && outcome.events.length === 0) listen(tx, "events", id);
      return outcome;
    });
  }

  end(): Promise<string> {
    return this.#engine.read((reader) => idOf(newestOf(reader), reader.nowMs));
  }
}

function read(reader: Reader, { after, sinceMs, limit, type }: EventQuery): EventsRead {
  const oldest = reader.get<Place>("SELECT seq, at_ms FROM events ORDER BY seq LIMIT 1");
  const newest = newestOf(reader);
  if (after !== undefined) {
    const refusal = refuse(reader, after, oldest, newest);
    if (refusal !== undefined) return refusal;
  }
  const from = after?.seq ??
    (sinceMs === undefined ? 0 : lastBefore(reader, sinceMs, oldest, newest));
  const filter = type === undefined ? [] : [type];
  const rows = reader.all<EventRow>(
    `SELECT * FROM events WHERE seq > ? ${filter.length > 0 ? "AND type = ?" : ""}
     ORDER BY seq LIMIT ? + 0`,
    from,
    ...filter,
    limit,
  );
  const end = rows.length === limit ? rows.at(-1) : newest;
  return { kind: "read", events: rows.map(toEvent), cursor: idOf(end, reader.nowMs) };
}

function refuse(
  reader: Reader,
  { id, seq }: { readonly id: string; readonly seq: number },
  oldest: Place | undefined,
  newest: Place | undefined,
): EventsRead | undefined {
  const kept = oldest && idOf(oldest, 0);
  if (oldest !== undefined && seq + 1 < oldest.seq) {
    const row = reader.get<{ kept: number }>("SELECT COUNT(*) AS kept FROM events");
    if ((row?.kept ?? 0) >= EVENTS_KEPT) return { kind: "trimmed", oldest: kept };
    if (seq > 0) return { kind: "unknown", oldest: kept };
  }
  if (seq > (newest?.seq ?? 0)) return { kind: "unknown", oldest: kept };
  const row = reader.get<Place>("SELECT seq, at_ms FROM events WHERE seq = ?", seq);
  // Another stream has an event with this number too, at another instant.
  if (row !== undefined && eventId(seq, row.at_ms) !== id) return { kind: "unknown", oldest: kept };
  return undefined;
}

/**
 * The number before the first event at or after `atMs`. Instants grow with numbers, so a search by halves
 * finds it without an index that every append would have to keep.
 */
function lastBefore(
  reader: Reader,
  atMs: number,
  oldest: Place | undefined,
  newest: Place | undefined,
): number {
  let low = oldest === undefined ? 0 : oldest.seq - 1;
  let high = newest?.seq ?? 0;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const row = reader.get<Place>(
      "SELECT seq, at_ms FROM events WHERE seq > ? ORDER BY seq LIMIT 1",
      middle,
    );
    if (row !== undefined && row.at_ms < atMs) low = row.seq;
    else high = middle;
  }
  return low;
}

function newestOf(reader: Reader): Place | undefined {
  return reader.get<Place>("SELECT seq, at_ms FROM events ORDER BY seq DESC LIMIT 1");
}

/** The cursor at this place; before the first event ever, one with number 0. */
function idOf(place: Place | undefined, nowMs: number): string {
  return place === undefined ? eventId(0, nowMs) : eventId(place.seq, place.at_ms);
}

/** The event in this row. */
export function toEvent(row: EventRow): CoordEvent {
  return {
    id: eventId(row.seq, row.at_ms),
    type: row.type,
    subject: row.subject,
    ...(row.agent === null ? {} : { agent: row.agent }),
    atMs: row.at_ms,
    ...(row.data === null
      ? {}
      : { data: parseRowObject<Readonly<Record<string, unknown>>>(row.data, `event ${row.seq}`) }),
  };
}
