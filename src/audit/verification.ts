/**
 * What may be wrong with the audit log, place by place: against the entry before, against the events that recorded
 * it, and against the store's count and clock.
 * @module
 */
import type { EventQuery, EventStore } from "../event/store.ts";
import { sequencedAtMs, sequenceOf } from "../id.ts";
import { LIMITS } from "../name.ts";
import { contentHash, type Entry, nextLink } from "./entry.ts";

/** A place in the chain where something is wrong. */
export interface BrokenPlace {
  /** The entry there; `null` when it is missing. */
  readonly id: string | null;
  /** Its number in the chain, counted from 1. */
  readonly seq: number;
  /** What is wrong, as a sentence. */
  readonly why: string;
}

/** Events read by one operation. */
const BATCH = LIMITS.batch;

/** What is wrong with the entry at this place, given the one before it. */
export async function examine(
  seq: number,
  entry: Entry,
  last: Pick<Entry, "link" | "createdAtMs"> & { readonly seq: number },
  total: number,
): Promise<BrokenPlace | undefined> {
  const expected = last.seq + 1;
  const { id } = entry;
  if (seq > expected) {
    return { id: null, seq: expected, why: `${missing(seq - expected)} before ${id}` };
  }
  if (seq < expected || seq > total) {
    return { id, seq, why: "the store never took it in: it was added from outside" };
  }
  if (await contentHash(entry) !== entry.contentHash) {
    return { id, seq, why: "its content does not fit its content hash: it was changed" };
  }
  if (nextLink(last.link, entry.contentHash) !== entry.link) {
    return {
      id,
      seq,
      why:
        "its link does not follow from the entry before: one of them was changed, moved or replaced",
    };
  }
  if (entry.createdAtMs < last.createdAtMs) {
    return { id, seq, why: "its instant lies before that of the entry before: it was changed" };
  }
  return undefined;
}

/** What the event stream, as far as it is kept, tells of the log. */
export interface RecordedEntries {
  /**
   * The instant of each entry that an event tells of and that was not met yet; `undefined` when the event was moved after
   * an outage: then an entry may have got the instant of the one before it, and an event that of its new place.
   */
  readonly atMs: Map<string, number | undefined>;
  /** Entries between these instants have their events among those. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** Reads it before the chain, so that every entry with an event is in the chain by then. */
export async function recordedEntries(events: EventStore): Promise<RecordedEntries> {
  const newest = await events.end();
  const first = await events.read({ limit: 1 });
  const oldest = first.kind === "read" ? first.events[0] : undefined;
  const atMs = new Map<string, number | undefined>();
  if (oldest === undefined) return { atMs, fromMs: Infinity, toMs: -Infinity };
  let query: EventQuery = { type: "audit.logged", limit: BATCH };
  for (;;) {
    const page = await events.read(query);
    // The oldest events may be dropped at any moment; then those from now on are looked at.
    if (page.kind !== "read") return { atMs: new Map(), fromMs: Infinity, toMs: -Infinity };
    const moved = new Set(page.moved);
    for (const { id, subject, atMs: toldMs } of page.events) {
      atMs.set(subject, moved.has(id) ? undefined : toldMs);
    }
    // A page may be short for its size, and more may follow.
    if (page.events.length === 0) break;
    query = { ...query, after: { id: page.cursor, seq: sequenceOf("evt", page.cursor)! } };
  }
  return { atMs, fromMs: oldest.atMs, toMs: sequencedAtMs(newest) };
}

/** What is wrong with an entry given what else the store knows of it. */
export function compare(
  seq: number,
  { id, createdAtMs }: Entry,
  { atMs, fromMs, toMs }: RecordedEntries,
  nowMs: number,
): BrokenPlace | undefined {
  if (createdAtMs > nowMs) {
    return { id, seq, why: "its instant lies after the store's clock: it was changed" };
  }
  const isTold = atMs.has(id);
  const toldMs = atMs.get(id);
  atMs.delete(id);
  if (!isTold) {
    if (createdAtMs <= fromMs || createdAtMs >= toMs) return undefined;
    return {
      id,
      seq,
      why: "no event tells of it: it was added from outside, or its event taken away",
    };
  }
  if (toldMs === undefined || toldMs === createdAtMs) return undefined;
  return { id, seq, why: "its instant is not that of the event that tells of it: one was changed" };
}

/** What is wrong behind the last entry. */
export function atTheEnd(
  seq: number,
  total: number,
  { atMs }: RecordedEntries,
): BrokenPlace | undefined {
  const place = { id: null, seq: seq + 1 };
  if (seq < total) return { ...place, why: `${missing(total - seq)} at the end` };
  const [id] = atMs.keys();
  return id === undefined
    ? undefined
    : { ...place, why: `${missing(atMs.size)} that events tell of, such as ${id}` };
}

function missing(count: number): string {
  return count === 1 ? "1 entry is missing" : `${count} entries are missing`;
}
