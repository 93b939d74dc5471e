/**
 * What an operation of the directory store works with: one atomic transaction, or one consistent read.
 * @module
 */
import type { Actor } from "../actor.ts";
import type { Waker } from "../waker.ts";

/** A value a statement binds or returns. */
export type SqlValue = string | number | null;

/**
 * A consistent view of the store.
 *
 * A bound limit is written `LIMIT ? + 0`: SQLite plans a statement anew each time a bare one is bound, which
 * costs more than most queries here.
 */
export interface Reader {
  /** The store's clock: epoch milliseconds that never step backwards. */
  readonly nowMs: number;
  /** How many things of each kind there are, without counting them. */
  readonly counts: Readonly<Record<string, number>>;
  /** The first row, or `undefined`. */
  get<Row>(sql: string, ...values: readonly SqlValue[]): Row | undefined;
  /** Every row. */
  all<Row>(sql: string, ...values: readonly SqlValue[]): Row[];
}

/** One atomic operation: all of it happens, or none. */
export interface Transaction extends Reader {
  /** Runs a statement that writes; returns how many rows it changed. */
  run(sql: string, ...values: readonly SqlValue[]): number;
  /** A fence greater than every one handed out before, by this store or one that was in its place. */
  nextFence(): number;
  /** The next number of the event stream; the first one is greater than those of a store before this one. */
  nextEvent(): number;
  /** Goes on above these numbers, which another store has handed out; nothing gets less. */
  startAbove(known: { readonly fence: number; readonly event: number }): void;
  /** Adds `by` to the count of `kind`. */
  count(kind: string, by: number): void;
  /** Wakes a waiter; `false` when it is dead. */
  wake(waker: string): boolean;
}

/** Runs operations on a store's data. */
export interface Engine {
  /**
   * Runs `operation` as one atomic transaction, then waits until its effect is as durable as the store
   * promises. With an `actor` the same transaction is a sign of life of that agent.
   *
   * The operation must be synchronous, and must throw or return a refusal before it writes anything.
   */
  write<T>(actor: Actor | undefined, operation: (transaction: Transaction) => T): Promise<T>;
  /**
   * As {@linkcode Engine.write}, for an operation that ends what is held, keeps it, or makes room: it works on a full
   * disk too, as long as what the store keeps for that lasts. It may run several times, of which the last counts.
   */
  writeFreeing<T>(actor: Actor | undefined, operation: (transaction: Transaction) => T): Promise<T>;
  /** Runs `look` on one consistent view; never waits for a writer. */
  read<T>(look: (reader: Reader) => T): Promise<T>;
  /** This process's waker in this store, made at the first call. Settled once a wake-up can arrive. */
  waker(): Promise<Waker>;
}
