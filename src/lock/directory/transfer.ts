/**
 * Locks on their way out of a directory, and into one.
 * @module
 */
import type { Engine, Transaction } from "../../engine/directory/transaction.ts";
import type {
  ChangedPortion,
  PortionLimit,
  Source,
  Target,
  TransferConflict,
} from "../../transfer.ts";
import type { LeaseRecord, LockRecord, LockWaiterRecord, TakeLocksOptions } from "../transfer.ts";
import { LOCK_KIND } from "./journal.ts";
import { takeLocks } from "./moving_in.ts";
import { changedLocks, livesHere, livingLocks, settleLocks, waitersOf } from "./moving_out.ts";

/** The locks of a directory. To be a source it needs their journal. */
export class DirectoryLockTransfer implements Source<LockRecord>, Target<LockRecord> {
  readonly #engine: Engine;
  readonly #options: TakeLocksOptions;

  /** Uses the engine's transactions. */
  constructor(engine: Engine, options: TakeLocksOptions = {}) {
    this.#engine = engine;
    this.#options = options;
  }

  /** Leases that ended, then those that live. */
  changed(limit: PortionLimit): Promise<ChangedPortion<LockRecord>> {
    return this.#engine.read((reader) => changedLocks(reader, limit));
  }

  /** Every lease that lives, whether it was changed or not. */
  living(): Promise<readonly LeaseRecord[]> {
    return this.#engine.read(livingLocks);
  }

  /** Those of these leases that do not live here. */
  unknown<Known extends Pick<LeaseRecord, "path" | "fence">>(
    leases: readonly Known[],
  ): Promise<readonly Known[]> {
    return this.#engine.read((reader) => leases.filter((lease) => !livesHere(reader, lease)));
  }

  /** Everybody who waits, in order. */
  waiters(): Promise<readonly LockWaiterRecord[]> {
    return this.#engine.read(waitersOf);
  }

  settle(keys: readonly (string | number)[]): Promise<void> {
    return this.#engine.write(undefined, (tx: Transaction) => settleLocks(tx, keys));
  }

  /** Of leases that ended nothing is left to be told but their fences, which everybody goes on above. */
  markAll(): Promise<void> {
    return this.#engine.write(undefined, (tx) => {
      tx.run(
        `INSERT INTO journal (kind, key) SELECT ?, json_array(path, fence) FROM locks WHERE true
         ON CONFLICT DO NOTHING`,
        LOCK_KIND,
      );
    });
  }

  take(records: readonly LockRecord[]): Promise<readonly TransferConflict[]> {
    return this.#engine.write(undefined, (tx) => takeLocks(tx, records, this.#options));
  }
}
