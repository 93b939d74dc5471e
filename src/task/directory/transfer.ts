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
import { changedTasks, markAllTasks, settleTasks } from "./moving_out.ts";
import type { TaskRow } from "./rows.ts";
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

  /** Of each claimed task, by identifier: how long its lease is, and what is left of it. */
  leases(): Promise<ReadonlyMap<string, { readonly leaseMs: number; readonly leftMs: number }>> {
    return this.#engine.read((reader) =>
      new Map(
        reader.all<Pick<TaskRow, "id" | "lease_ms" | "due_at_ms">>(
          "SELECT id, lease_ms, due_at_ms FROM tasks WHERE status = 'claimed' AND due_at_ms > ?",
          reader.nowMs,
        ).map((row) => [row.id, { leaseMs: row.lease_ms, leftMs: row.due_at_ms! - reader.nowMs }]),
      )
    );
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
