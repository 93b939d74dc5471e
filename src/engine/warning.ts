/**
 * What a store finds that whoever acts should know, though what it was asked for is done all the same.
 * @module
 */

/** A lease that lapses within a third of its length. */
export interface LapsingLease {
  /** What it is a lease of. */
  readonly kind: "lock" | "task";
  /** The path of the lock, or the identifier of the task. */
  readonly subject: string;
  /** How long it lasts from now, in milliseconds. */
  readonly lapsesInMs: number;
}

/** Leases of the acting agent need to be renewed. */
export interface LapsingWarning {
  /** What is told. */
  readonly kind: "lapsing";
  /** Who holds them. */
  readonly agent: string;
  /** At least one, the soonest first; at most {@linkcode LAPSING_TOLD} of all. */
  readonly leases: readonly LapsingLease[];
}

/** The store is older than it was: what was written since is not in it. */
export interface LossWarning {
  /** What is told. */
  readonly kind: "loss";
  /** The directory of the namespace. */
  readonly path: string;
  /** Commits that are known to be missing. */
  readonly lostCommits: number;
  /** The database is gone as a whole, or a new one lies in its place. */
  readonly removed: boolean;
}

/** A directory stands in for the server, which cannot be reached; or the server decides again after that. */
export interface AuthorityWarning {
  /** What is told. */
  readonly kind: "authority";
  /** Which of the two decides now. */
  readonly store: "directory" | "redis";
  /** The server, without secrets. */
  readonly location: string;
  /** Since when, in epoch milliseconds of this host. */
  readonly sinceMs: number;
  /** Why, in one word. */
  readonly reason: string;
  /** Whether the server has lost everything that was on it. Default: not as far as is known. */
  readonly emptied?: boolean | undefined;
}

/** Says that the server at `location` had lost everything, as was noticed at `sinceMs`. */
export function emptiedWarning(location: string, sinceMs: number): AuthorityWarning {
  return { kind: "authority", store: "redis", location, sinceMs, reason: "emptied", emptied: true };
}

/** No directory can stand in for the server, though one should. */
export interface NoFallbackWarning {
  /** What is told. */
  readonly kind: "no_fallback";
  /** The directory. */
  readonly directory: string;
  /** Why, for people. */
  readonly reason: string;
}

/** One such thing. */
export type StoreWarning = LapsingWarning | LossWarning | AuthorityWarning | NoFallbackWarning;

/**
 * Called with what a store finds. A store that has one looks for lapsing leases at the first act of the process,
 * in the same round trip; without one it never looks.
 */
export type Warn = (warning: StoreWarning) => void;

/** So many lapsing leases one warning names. */
export const LAPSING_TOLD = 4;
