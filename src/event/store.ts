/**
 * The atomic operations on the event stream that every store offers. Appending is not among them: each
 * engine's other operations do that themselves.
 * @module
 */
import type { CoordEvent, EventType } from "./model.ts";

/** Which events an operation reads. Without `after` and `sinceMs`: from the oldest kept. */
export interface EventQuery {
  /** Only events with a greater number than this one's. Number 0 stands for the very beginning. */
  readonly after?: { readonly id: string; readonly seq: number };
  /** Only events at this epoch millisecond or later. */
  readonly sinceMs?: number;
  /** Most events to return. */
  readonly limit: number;
  /** Only events of this type. */
  readonly type?: EventType;
  /** When this operation finds none, the next event, whatever its type, wakes this process. */
  readonly waits?: boolean;
  /** Who follows: the same object in each of its reads, so that it misses nothing when another store takes over. */
  readonly follower?: object;
}

/** What became of an {@linkcode EventQuery}. `oldest` is the oldest event kept, if there is any. */
export type EventsRead =
  /** `cursor`: the last event returned or, when fewer than `limit` matched, the end of the stream. */
  | {
    readonly kind: "read";
    readonly events: readonly CoordEvent[];
    readonly cursor: string;
    /**
     * Identifiers of those that were moved here from a store that stood in, or behind such: their instants may be others
     * than those of the records that they tell of. Absent when there are none.
     */
    readonly moved?: readonly string[];
  }
  /** Events after `after` were dropped. */
  | { readonly kind: "trimmed"; readonly oldest: string | undefined }
  /** This stream never had the event `after`. */
  | { readonly kind: "unknown"; readonly oldest: string | undefined };

/** Atomic operations only; waiting and throwing belong to {@linkcode Events}. */
export interface EventStore {
  /** Reads events in order. */
  read(query: EventQuery): Promise<EventsRead>;
  /** The cursor of the newest event: nothing is after it yet. */
  end(): Promise<string>;
}
