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
import { JOURNALED_TASKS, REMOVED_TASKS } from "./journal.ts";
import { TaskOperation } from "./operation.ts";
import { changedTasks, settleTasks } from "./moving_out.ts";
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

  settle(keys: readonly (string | number)[]): Promise<void> {
    return this.#engine.write(undefined, (tx) => settleTasks(tx, keys));
  }

  /** Of those that were removed nothing is left to be told: a store that has lost its memory has lost them, too. */
  markAll(): Promise<void> {
    return this.#engine.write(undefined, (tx) => {
      tx.run("DELETE FROM journal WHERE kind = ?", REMOVED_TASKS);
      tx.run(
        "INSERT INTO journal SELECT ?, seq FROM tasks WHERE true ON CONFLICT DO NOTHING",
        JOURNALED_TASKS,
      );
    });
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
