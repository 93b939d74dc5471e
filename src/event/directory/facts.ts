/**
 * What the event stream tells those who examine a store, on the directory engine.
 * @module
 */
import { given } from "../../given.ts";
import type { Reader } from "../../engine/directory/transaction.ts";

/** What the event stream tells, as far as events are kept. */
export interface EventFacts {
  /** When the oldest event that is kept happened; absent when there is none. */
  readonly oldestEventMs?: number;
  /** How many are kept. */
  readonly events: number;
  /** When the numbers last left a gap, and why; absent when they never did. */
  readonly restored?: {
    readonly atMs: number;
    readonly cause: string;
    readonly lostCommits: number;
  };
}

/** Reads them. */
export function eventFacts(reader: Pick<Reader, "get">): EventFacts {
  const oldest = reader.get<{ at_ms: number }>("SELECT at_ms FROM events ORDER BY seq LIMIT 1");
  const last = reader.get<{ at_ms: number; data: string }>(
    "SELECT at_ms, data FROM events WHERE type = 'store.restored' ORDER BY seq DESC LIMIT 1",
  );
  return {
    events: reader.get<{ n: number }>("SELECT count(*) AS n FROM events")?.n ?? 0,
    ...given({ oldestEventMs: oldest?.at_ms }),
    ...(last === undefined ? {} : { restored: { atMs: last.at_ms, ...JSON.parse(last.data) } }),
  };
}
