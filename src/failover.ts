/**
 * What stands in for a server that cannot be reached, as everybody above the stores sees it: who decides, what waits to be
 * moved back, and which sites use the server. A site is all agents that share a fallback directory, or those of one host
 * that have none.
 * @module
 */
import { anything, checkArguments, options } from "./arguments.ts";
import { checkInteger, invalid } from "./check.ts";
import type { RoomContext } from "./context.ts";
import { InvalidArgumentError, StoreUnavailableError } from "./errors.ts";
import { given } from "./given.ts";
import { LIMITS } from "./name.ts";
import type { Journal, Site, Store, UnreachableTasks } from "./store.ts";
import type { TransferConflict } from "./transfer.ts";

const SITE = /^(?:sit_[0-9A-Z]{26}|none:.{1,255})$/;

/** Which store decides. What nothing ever stands in for has no more than the first two, and `epoch` 0. */
export interface Authority {
  /** The store that decides. */
  readonly store: "directory" | "redis";
  /** Grows with every change of {@linkcode Authority.store}. */
  readonly epoch: number;
  /** Since when, in epoch milliseconds of the host. */
  readonly sinceMs?: number;
  /** Why, in a word or two: `unreachable`, `timeout`, `lost` … */
  readonly reason?: string;
  /** The other sites at the server's last word. */
  readonly others?: readonly Site[];
  /** While a directory stands in: how many records wait to be moved to the server. */
  readonly journal?: number;
  /** While a directory stands in for a server that had been asked for it: what only the server has. */
  readonly unreachable?: UnreachableTasks;
}

/** What was moved. */
export interface Failback {
  /** Whether the server decides again because of this call; otherwise it did already. */
  readonly moved: boolean;
  /** How many records of each kind waited to be moved; a kind without any is left out. */
  readonly counts: Journal["counts"];
  /** Records that the server could not take as they were; the event stream has each as `store.conflict`. */
  readonly conflicts: readonly TransferConflict[];
}

/** How much of the journal to show. */
export interface JournalOptions {
  /** Most records, 1 to 1000. Default 100. */
  readonly limit?: number;
}

/** Which sites to show. */
export interface SitesOptions {
  /** Takes this one off the server's list first, until it is heard of again. */
  readonly forget?: string;
}

/** Looks after what stands in for a server. */
export class Failover {
  readonly #store: Store;

  /** Used by {@linkcode CoordinationClient}. */
  constructor({ store }: RoomContext) {
    this.#store = store;
  }

  /** Which store decides now, as this site knows it; asks no server. */
  async authority(): Promise<Authority> {
    const found = await this.#store.authority?.();
    if (found === undefined) return { store: this.#store.kind, epoch: 0 };
    const { store, epoch, sinceMs, reason, others, unreachable } = found;
    const waiting = store === "directory" ? await this.#store.journal?.(0) : undefined;
    const journal = waiting?.total;
    return { store, epoch, sinceMs, reason, others, ...given({ journal, unreachable }) };
  }

  /**
   * The records that were changed in the directory and are not on the server yet, the oldest change first; none while
   * the server decides.
   *
   * @throws {InvalidArgumentError} when nothing ever stands in for the store.
   */
  async journal({ limit = 100 }: JournalOptions = {}): Promise<Journal> {
    checkInteger(limit, "limit", { min: 1, max: LIMITS.batch });
    const journal = await this.#store.journal?.(limit);
    if (journal !== undefined) return journal;
    throw this.#refusal("Nothing ever waits to be moved: no directory stands in for the store at");
  }

  /**
   * Moves what the directory has to the server now, which decides again from then on. Agents that run do so by themselves.
   *
   * @throws {InvalidArgumentError} when nothing ever stands in for the store.
   * @throws {StoreUnavailableError} when the server cannot be used yet.
   */
  async failback(): Promise<Failback> {
    const result = await this.#store.failback?.();
    if (result === undefined) {
      throw this.#refusal("Nothing is to be moved: no directory stands in for the store at");
    }
    if (result.kind === "done") {
      return { moved: true, counts: result.counts ?? {}, conflicts: result.conflicts };
    }
    if (result.kind === "not_needed") return { moved: false, counts: {}, conflicts: [] };
    const why = result.error instanceof Error ? `: ${result.error.message}` : "";
    const { location } = this.#store;
    throw new StoreUnavailableError(
      `Cannot move anything yet: the server at ${location} cannot be used${why}`,
      { location },
      true,
    );
  }

  /**
   * The sites that the server has heard of within 24 hours, the newest first.
   *
   * @throws {InvalidArgumentError} when the store is no server.
   */
  async sites({ forget }: SitesOptions = {}): Promise<readonly Site[]> {
    if (forget !== undefined) checkSite(forget, "forget");
    const sites = await this.#store.sites?.(forget);
    if (sites !== undefined) return sites;
    const { kind, location } = this.#store;
    throw new InvalidArgumentError(
      `The store at ${location} is a directory: sites are what shares a server`,
      { field: "store", kind },
    );
  }

  #refusal(sentence: string): InvalidArgumentError {
    const { kind, location } = this.#store;
    return new InvalidArgumentError(`${sentence} ${location}`, { field: "store", kind });
  }
}

checkArguments(Failover, {
  authority: {},
  journal: { options: options<JournalOptions>({ limit: anything }) },
  failback: {},
  sites: { options: options<SitesOptions>({ forget: anything }) },
});

/** Refuses what is the name of no site. */
export function checkSite(value: unknown, field: string): string {
  if (typeof value === "string" && SITE.test(value)) return value;
  throw invalid(value, field, "use a site as agentcoord store sites shows it");
}
