/**
 * Events on their way out of a directory.
 * @module
 */
import { settle } from "../../engine/directory/journal.ts";
import type { Engine } from "../../engine/directory/transaction.ts";
import type { ChangedPortion, PortionLimit, Source } from "../../transfer.ts";
import type { EventRecord } from "../transfer.ts";
import { JOURNALED_EVENTS } from "./journal.ts";
import { type EventRow, toEvent } from "./store.ts";

/** The events of a database that stands in for another store, which has the journal of them. */
export class DirectoryEventTransfer implements Source<EventRecord> {
  readonly #engine: Engine;

  /** Uses the engine's transactions. */
  constructor(engine: Engine) {
    this.#engine = engine;
  }

  changed({ records: most, bytes: mostBytes }: PortionLimit): Promise<ChangedPortion<EventRecord>> {
    return this.#engine.read((reader) => {
      const rows = reader.all<EventRow>(
        `SELECT events.* FROM journal JOIN events ON seq = journal.key
         WHERE kind = ? ORDER BY journal.key LIMIT ? + 0`,
        JOURNALED_EVENTS,
        most + 1,
      );
      const records: EventRecord[] = [];
      let bytes = 0;
      for (const row of rows.slice(0, most)) {
        if (bytes >= mostBytes) break;
        bytes += row.subject.length + (row.data?.length ?? 0);
        records.push({ ...toEvent(row), seq: row.seq });
      }
      return { records, keys: records.map(({ seq }) => seq), more: rows.length > records.length };
    });
  }

  settle(keys: readonly (string | number)[]): Promise<void> {
    return this.#engine.write(undefined, (tx) => settle(tx, JOURNALED_EVENTS, keys));
  }

  markAll(): Promise<void> {
    return this.#engine.write(undefined, (tx) => {
      tx.run(
        "INSERT INTO journal (kind, key) SELECT ?, seq FROM events WHERE true ON CONFLICT DO NOTHING",
        JOURNALED_EVENTS,
      );
    });
  }
}
