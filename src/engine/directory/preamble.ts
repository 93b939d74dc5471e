/**
 * What belongs in front of an operation, in its own transaction, and is not the engine's to know: the rooms do it,
 * and whoever composes the store hands it in.
 * @module
 */
import type { Actor } from "../actor.ts";
import type { Reader, Transaction } from "./transaction.ts";

/** Why the numbers of a store had to leave a gap. */
export interface Restored {
  /** `copy`: the files were copied; `behind`: the newest commits are missing. */
  readonly cause: "copy" | "behind";
  /** Commits that are known to be missing. */
  readonly lostCommits: number;
}

/** See {@linkcode EngineOptions}. */
export interface Preamble {
  /** Marks that the actor lives; called at most once a second for each actor of a process. */
  heartbeat(tx: Transaction, actor: Actor): void;
  /**
   * How many agents ever left. A process that remembers whose heartbeat is not due yet forgets that when this
   * changes, so that the next act of one who left registers it again.
   */
  departures(reader: Reader): number;
  /** Deals with a store that went back in time or was copied; its numbers have left a gap already. */
  restored(tx: Transaction, restored: Restored): void;
}
