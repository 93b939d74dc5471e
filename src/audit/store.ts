/**
 * The atomic operations on the audit log that every store offers.
 * @module
 */
import type { Actor } from "../engine/actor.ts";
import type { AuditDraft, Entry } from "./entry.ts";

/** Which entries an operation reads; every condition given must hold. */
export interface EntryFilter {
  /** Only this agent's. */
  readonly agent?: string;
  /** Only decisions of this type. */
  readonly decisionType?: string;
}

/** One page of the log, reaching back from the newest entry or from `before`. */
export interface EntryQuery extends EntryFilter {
  /** Only entries at this epoch millisecond or later. */
  readonly sinceMs?: number;
  /** Only entries older than the one with this identifier. */
  readonly before?: string;
  /** Most entries to return. */
  readonly limit: number;
}

/** What comes after an entry. */
export interface FollowQuery extends EntryFilter {
  /** Only entries after the one with this identifier; without it, from the first. */
  readonly after?: string;
  /** Most entries to return. */
  readonly limit: number;
  /** When this operation finds none, the next entry, whatever it is, wakes this process. */
  readonly waits?: boolean;
  /** Who follows: the same object in each of its reads, so that it misses nothing when another store takes over. */
  readonly follower?: object;
}

/** Entries in the order of the chain. */
export interface EntryList {
  readonly entries: readonly Entry[];
  /** Whether older ones match as well. */
  readonly more: boolean;
}

/** Entries in the order of the chain, and where the next look starts. */
export interface FollowedEntries {
  readonly entries: readonly Entry[];
  /** The last entry looked at, whether it matched or not; absent while the log is empty. */
  readonly after?: string;
}

/** A stretch of the chain as it is stored, with nothing checked. */
export interface ChainPart {
  /** Each entry with its number; numbers count from 1. */
  readonly places: readonly { readonly seq: number; readonly entry: Entry }[];
  /** Whether others may follow. */
  readonly more: boolean;
  /** How many entries the store has taken in, by its own count. */
  readonly total: number;
  /** The store's clock: no entry can be later. */
  readonly nowMs: number;
  /**
   * Where several stores take turns: another number whenever another one decides. Stretches of different numbers do not
   * belong together. Absent where there is one store.
   */
  readonly epoch?: number;
}

/** Atomic operations only; sealing, verifying and throwing belong to {@linkcode Audit}. */
export interface AuditStore {
  /** Adds the entry at the end, unless its identifier or `key` is there already; answers with it. */
  append(actor: Actor, draft: AuditDraft, key: string | undefined): Promise<Entry>;
  /** The newest entries that match; `undefined` when there is no entry `before`. */
  list(query: EntryQuery): Promise<EntryList | undefined>;
  /** The next entries that match; `undefined` when there is no entry `after`. */
  follow(query: FollowQuery): Promise<FollowedEntries | undefined>;
  /** At most `limit` places whose number is greater than `after`, in order; fewer when they are long. */
  chain(after: number, limit: number): Promise<ChainPart>;
}
