/**
 * The contract between the primitives' domain code and the place where state lives.
 *
 * A store offers the atomic operations on each primitive. They return expected refusals as tagged values and
 * throw only {@linkcode StoreUnavailableError}; waiting, renewing and the public errors belong to the
 * domain code. Asking for a primitive loads its code, so a process pays only for what it uses.
 * @module
 */
import type { Waker } from "./engine/waker.ts";
import type { Openers } from "./primitives.ts";
import type { TransferConflict } from "./transfer.ts";

/** A site that uses the namespace: all agents that share a fallback directory, or those of one host that have none. */
export interface Site {
  /** Its identifier, or `none:<host>` of clients that have no fallback directory. */
  readonly site: string;
  /** When the server last heard of it, in epoch milliseconds of the store's clock. */
  readonly lastSeenMs: number;
}

/** Which store decides in a site. */
export interface AuthorityStatus {
  /** The store that decides. */
  readonly store: "directory" | "redis";
  /** Grows with every change of {@linkcode AuthorityStatus.store}. */
  readonly epoch: number;
  /** Since when it decides, in epoch milliseconds of the host. */
  readonly sinceMs: number;
  /** Why, for people. */
  readonly reason: string;
  /** The other sites at the server's last word. */
  readonly others: readonly Site[];
  /** While a directory stands in for a server that had been asked for it: what only the server has. */
  readonly unreachable?: UnreachableTasks;
}

/** Tasks that only the server has, while it cannot be reached. */
export interface UnreachableTasks {
  /** How many of them have not ended, as far as this site knows. */
  readonly tasks: number;
  /** When the server said so, in epoch milliseconds of the host; what this site has done since is counted in. */
  readonly countedAtMs: number;
}

/** What became of moving what stood in for a server back to it. */
export type FailbackResult =
  /** The server decides again. */
  | {
    readonly kind: "done";
    /** Records that it could not take as they were, whoever has moved them. */
    readonly conflicts: readonly TransferConflict[];
    /** How many records of each kind waited to be moved when this was asked for; a kind without any is left out. */
    readonly counts?: Journal["counts"];
  }
  /** The server cannot be used yet. */
  | { readonly kind: "unreachable"; readonly error?: unknown }
  /** The server decides already. */
  | { readonly kind: "not_needed" };

/** One record that waits to be moved to the server. */
export interface JournalEntry {
  /** What of: `lock`, `agent`, `task`, `thread`, `message`, `inbox`, `approval`, `audit`. */
  readonly kind: string;
  /** Its identifier; of a lock the path, of an agent or an inbox the name. */
  readonly id: string;
  /** `removed`: it has ended or was taken away; `changed`: it is there, and new or otherwise than before. */
  readonly change: "changed" | "removed";
  /** When that was noted, in epoch milliseconds of the host. */
  readonly sinceMs: number;
}

/** What waits to be moved to the server. Events are not counted: they tell of the records, and come along with them. */
export interface Journal {
  /** The records that were changed first. */
  readonly records: readonly JournalEntry[];
  /** How many there are in all. */
  readonly total: number;
  /** How many of each kind; a kind without any is left out. */
  readonly counts: Readonly<Record<string, number>>;
  /**
   * How many leases on locks and tasks the directory has taken over and nobody has changed since: the server is told of
   * them once more, as it may have lost them.
   */
  readonly carried: number;
}

/** Where the state of one namespace lives; with a method for each primitive. */
export interface Store extends Openers {
  /** Which engine keeps it. */
  readonly kind: "directory" | "redis";
  /** Where that is, without secrets. */
  readonly location: string;
  /**
   * How far the store's clock was from this host's at the last operation, in milliseconds: positive when it is ahead.
   * Absent before the first operation.
   */
  readonly clockAheadMs?: number | undefined;
  /**
   * Whether what this process opened is still the store; without an operation, and cheap enough for every second.
   * Absent where only an operation can tell.
   *
   * @throws {StoreUnavailableError} with `details.removed` when it was removed or replaced.
   */
  verifyPresence?(): void;
  /** Which store decides, as this site knows it. Absent where nothing ever stands in for the store. */
  authority?(): Promise<AuthorityStatus | undefined>;
  /** Moves what stood in for the store back to it, now. Absent where nothing ever does. */
  failback?(): Promise<FailbackResult | undefined>;
  /**
   * What waits to be moved to the store from what stands in for it, at most `limit` records of it; nothing while the
   * store decides. Absent where nothing ever stands in.
   */
  journal?(limit: number): Promise<Journal | undefined>;
  /** Which other sites use the namespace, the newest first, after forgetting one. Absent where there are no sites. */
  sites?(forget?: string): Promise<readonly Site[] | undefined>;
  /** This process's waker, made at the first call. Settled once a wake-up can arrive. */
  waker(): Promise<Waker>;
  /**
   * Waits for operations under way, then lets go of every file and connection. With `exiting` the process ends
   * right after: what the kernel closes by itself is left to it.
   */
  close(options?: { readonly exiting?: boolean }): Promise<void>;
}
