/**
 * Moving what stood in for a server back to it, at somebody's word.
 * @module
 */
import { InvalidArgumentError, StoreUnavailableError } from "./errors.ts";
import type { Journal, Store } from "./store.ts";
import type { TransferConflict } from "./transfer.ts";

/** What was done. */
export interface Failback {
  /** Whether the server decides again because of this call; otherwise it did already. */
  readonly moved: boolean;
  /** How many records of each kind waited to be moved; a kind without any is left out. */
  readonly counts: Journal["counts"];
  /** Records that the server could not take as they were; the event stream has each as `store.conflict`. */
  readonly conflicts: readonly TransferConflict[];
}

/**
 * Moves what a fallback directory has to its server, which decides again from then on.
 *
 * @throws {InvalidArgumentError} when nothing ever stands in for the store.
 * @throws {StoreUnavailableError} when the server cannot be used yet.
 */
export async function failBack(store: Store): Promise<Failback> {
  const { kind, location } = store;
  const result = await store.failback?.();
  if (result === undefined) {
    throw new InvalidArgumentError(
      `Nothing is to be moved: no directory stands in for the store at ${location}`,
      { field: "store", kind },
    );
  }
  if (result.kind === "done") {
    return { moved: true, counts: result.counts ?? {}, conflicts: result.conflicts };
  }
  if (result.kind === "not_needed") return { moved: false, counts: {}, conflicts: [] };
  const why = result.error instanceof Error ? `: ${result.error.message}` : "";
  throw new StoreUnavailableError(
    `Cannot move anything yet: the server at ${location} cannot be used${why}`,
    { location },
    true,
  );
}
