/**
 * Records of a room on their way from one store into another: what failing over carries into the directory, and what
 * failing back moves into Redis. Each room says in its own transfer.ts what its records are.
 *
 * Nobody else changes either store while a call of these runs: the caller holds the authority exclusively.
 * @module
 */

/** How much one call may read. */
export interface PortionLimit {
  /** Most records. */
  readonly records: number;
  /** About how many bytes of text; at least one record is read, however long it is. */
  readonly bytes: number;
}

/** Records that changed since they were last settled. */
export interface ChangedPortion<Record> {
  readonly records: readonly Record[];
  /** Names these records for {@linkcode Source.settle}. */
  readonly keys: readonly (string | number)[];
  /** Whether others have changed, too. */
  readonly more: boolean;
}

/** A record that could not be taken over as it is. */
export interface TransferConflict {
  /** What of: `lock`, `task`, `thread`, `approval`, `audit`, `agent`, `event`. */
  readonly kind: string;
  /** The path, identifier or name. */
  readonly subject: string;
  /** What became of it, as a sentence for people. */
  readonly outcome: string;
}

/** Where records come from. */
export interface Source<Record> {
  /** Some of the records that have changed, in the order in which they are to be taken over. */
  changed(limit: PortionLimit): Promise<ChangedPortion<Record>>;
  /** These were taken over: they count as unchanged. */
  settle(keys: readonly (string | number)[]): Promise<void>;
  /** Every record counts as changed again: what was taken over is lost. */
  markAll(): Promise<void>;
}

/** Where records go. */
export interface Target<Record> {
  /**
   * Takes records over: afterwards each is there as told, once, however often it is told. No event is emitted, and
   * nobody's sign of life is implied.
   *
   * @returns those that could not be taken over as they are.
   */
  take(records: readonly Record[]): Promise<readonly TransferConflict[]>;
}
