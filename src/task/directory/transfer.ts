/**
 * Tasks on their way out of a directory, and into one.
 * @module
 */
import type { Engine } from "../../engine/directory/transaction.ts";
import type {
  ChangedPortion,
  PortionLimit,
  Source,
  Target,
  TransferConflict,
} from "../../transfer.ts";
import type { TaskRecord } from "../transfer.ts";
import { TaskOperation } from "./operation.ts";
import {
  changedTasks,
  type ClaimedTask,
  claimedTasks,
  markAllTasks,
  settleTasks,
} from "./moving_out.ts";
import { takeTasks } from "./moving_in.ts";

/** The tasks of a database that stands in for another store. To be a source it needs the journal of tasks. */
export class DirectoryTaskTransfer implements Source<TaskRecord>, Target<TaskRecord> {
  readonly #engine: Engine;

  /** Uses the engine's transactions. */
  constructor(engine: Engine) {
    this.#engine = engine;
  }

  changed(limit: PortionLimit): Promise<ChangedPortion<TaskRecord>> {
    return this.#engine.read((reader) => changedTasks(reader, limit));
  }

  /** Every task that is claimed, whether it was changed or not. */
  claimed(): Promise<readonly ClaimedTask[]> {
    return this.#engine.read(claimedTasks);
  }

  settle(keys: readonly (string | number)[]): Promise<void> {
    return this.#engine.write(undefined, (tx) => settleTasks(tx, keys));
  }

  markAll(): Promise<void> {
    return this.#engine.write(undefined, markAllTasks);
  }

  take(records: readonly TaskRecord[]): Promise<readonly TransferConflict[]> {
    return this.#engine.write(undefined, (tx) => {
      const operation = new TaskOperation(tx);
      const conflicts = takeTasks(operation, records);
      operation.end();
      return conflicts;
    });
  }
}
